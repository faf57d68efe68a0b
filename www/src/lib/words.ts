/** The words of the page and what they mean: the glossary at its foot, and each word where it first stands. */
export const WORDS: readonly [string, string][] = [
  ["interactions", "the rows: who did something with which item, perhaps with a rating and a time"],
  ["split", "which rows are trained on, which decide when to stop, which are only measured on"],
  ["embedding", "a list of numbers per user, such that alike users have alike numbers; used to divide, then thrown away"],
  ["partition", "which shard every training row belongs to"],
  ["anchor", "somebody on whose rows the division rests, chosen by a keyed hash or because they agreed to it"],
  ["shard", "the rows that one sub-model may see; nothing else reaches that sub-model"],
  ["sub-model", "the recommender trained on one shard"],
  ["fold-in", "a person's place inside a sub-model that never trained on that person, found from the person's own rows"],
  ["combiner", "what turns the scores of K sub-models into one"],
  ["ensemble", "sub-models and combiner together: what serves recommendations"],
  ["bill", "what a request will cost, before it is carried out"],
  ["touched", "a shard that holds rows of the request, and is therefore trained again"],
  ["twin", "everything made once more from rows that never held what was forgotten"],
  ["taint", "a stage whose result is not what it would be had the data never been there"],
  ["digest", "SHA-256 of all bytes of a result: equal digests, equal bytes"],
  ["receipt", "what was changed, as hashes and digests that somebody else can check by training again"],
  ["NDCG@20", "how many of the person's hidden items are among the first 20, counted more the higher they stand; 1 is perfect"],
  ["Recall@20", "the share of the person's hidden items that are among the first 20"],
  ["Hit rate@20", "the share of people with at least one hidden item among the first 20"],
];

const MEANING = new Map(WORDS);
export const meaning = (word: string): string => MEANING.get(word) ?? "";
