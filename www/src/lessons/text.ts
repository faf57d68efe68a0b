/**
 * The eight lessons as text: what is asked, foretold, done and seen, and the form in which they are printed. No code of the page is
 * needed to read this; what a lesson does to the page stands in `hooks.ts` under the same name.
 */
export interface LessonText {
  id: LessonId;
  title: string;
  /** Minutes of talk and of doing. */
  teaching: number;
  exercise: number;
  questions: readonly string[];
  objectives: readonly string[];
  keyPoints: readonly string[];
  /** The state it begins in, as a link. */
  link: string;
  predict: { ask: string; options: readonly string[]; answer: number };
  /** What to do, one after the other. */
  tasks: readonly string[];
  /** What one should have seen, for the printed answers. */
  answer: string;
}

export type LessonId = "remember" | "equal" | "longer" | "ask" | "neighbours" | "gone" | "shards" | "adding";

const STORY = "#v1&data=sample:medium&partition.anchors=0.4&partition.method=anchored";

export const LESSONS: readonly LessonText[] = [
  {
    id: "remember", title: "What does it remember of you?", teaching: 5, exercise: 10,
    questions: ["Does a recommender keep something of a person who left?", "How could an outsider tell?"],
    objectives: ["Read a rehearsal: three ensembles, one question", "Say why the yardstick is the twin and not chance"],
    keyPoints: ["A model that has seen your rows ranks what you liked higher: that is a trace, and it can be measured.", "After exact forgetting the trace is that of a model that never had you. People resemble people, so it need not be one half."],
    link: STORY,
    predict: { ask: "Sixty people were in the data and are forgotten. How well can an attacker tell them from people who were never in?", options: ["As well as before", "No better than from a model that never had them", "Never better than by tossing a coin"], answer: 1 },
    tasks: ["Choose sixty people. One alone would be an anecdote: a figure needs many.", "Rehearse the forgetting: the ensemble, the request and the twin are made beside what serves, and sixty others are left out from the beginning. This takes a moment.", "Could you tell? Three lists for the first of them, without names: pick the one of the ensemble that knew them."],
    answer: "The original gives the highest figure. Unlearned and twin give the same, digit for digit, and a lower one: what is left of it is how much people resemble people, so it may lie on either side of one half.",
  },
  {
    id: "equal", title: "Does equal size mean equal cost?", teaching: 5, exercise: 10,
    questions: ["If every shard has equally many people, does forgetting anybody cost the same?"],
    objectives: ["Read the balance in people and in rows", "Choose what to balance, and say what it costs"],
    keyPoints: ["Cost follows rows, not people, and activity has a long tail.", "Shards can be balanced in rows instead; then they differ in people."],
    link: "#v1&data=sample:small&partition.method=obc",
    predict: { ask: "Ten shards with exactly as many people each. How do their rows compare?", options: ["Equal, to within a few percent", "The largest has up to one and a half times the smallest", "The largest has more than twice the smallest"], answer: 2 },
    tasks: ["Look at Divide and at the balance: above people, below rows.", "Balance in rows instead, and look again."],
    answer: "With equal people the largest shard has three to four times the rows of the smallest. Balanced in rows they are equal, and people differ instead.",
  },
  {
    id: "longer", title: "Does longer training help?", teaching: 5, exercise: 10,
    questions: ["When has a sub-model learned enough?", "Who decides that, if the test rows may not be looked at?"],
    objectives: ["Compare a training that was cut short with one that ended by itself", "Say on which rows a shard judges itself"],
    keyPoints: ["A sub-model cut short is a weak voice in the ensemble: that is the relevance of the method.", "A shard stops on held-out rows of its own. Test rows are looked at once, at the end."],
    link: "#v1&data=sample:small&model.name=bpr&model.rate=0.01&model.epochs=2&partition.method=hash",
    predict: { ask: "Two epochs, or as many as it takes. By how much does NDCG@20 change?", options: ["It falls: longer means overfitted", "It hardly changes", "It more than doubles"], answer: 2 },
    tasks: ["Note NDCG@20 after two epochs.", "Train until every shard stops by itself."],
    answer: "With small steps (a rate of .01) two epochs of bpr rank little better than chance; trained to the end the same shards rank several times better. With large steps that shrink, as they are by default, two epochs go most of the way.",
  },
  {
    id: "ask", title: "Ask your own shard, or all of them?", teaching: 5, exercise: 10,
    questions: ["A person sits in one shard. Can the other nine say something about them?"],
    objectives: ["Explain folding in", "Compare two combiners on one division"],
    keyPoints: ["A shard that never saw you can place you by your own rows: folding in. Nothing of that is kept.", "Asking all shards gives back most of what dividing cost."],
    link: "#v1&combine.method=own&data=sample:small&partition.method=hash",
    predict: { ask: "Each person is served by their own shard alone, then by all ten. What happens to NDCG@20?", options: ["It stays: the other shards know nothing of the person", "It rises clearly", "It falls: nine strangers against one friend"], answer: 1 },
    tasks: ["Note NDCG@20 where each person asks their own shard.", "Ask all shards: combine them jointly."],
    answer: "Joint scores rise clearly above those of the own shard, although no other shard has ever trained on the person.",
  },
  {
    id: "neighbours", title: "Fifty-one neighbours, or thirty random people?", teaching: 5, exercise: 5,
    questions: ["What decides the cost of a request: how many people, or where they sit?"],
    objectives: ["Read a bill before it is paid", "Predict how many shards a request touches"],
    keyPoints: ["Cost is decided by the shards touched.", "Thirty people at random are enough to touch all of ten shards; a crowd of like taste may touch one."],
    link: STORY,
    predict: { ask: "Which is dearer to forget?", options: ["51 people of one shard", "30 people at random", "About the same"], answer: 1 },
    tasks: ["Choose 51 people of one shard, and read the bill.", "Choose 30 people at random, and read it again."],
    answer: "Fifty-one neighbours touch one shard: about a tenth of the rows. Thirty random people touch all ten, and some of them are anchors.",
  },
  {
    id: "gone", title: "Is it really gone?", teaching: 5, exercise: 15,
    questions: ["How could anybody be convinced that a person is gone?", "What does a receipt prove, and what not?"],
    objectives: ["Read the comparison with the twin, stage by stage", "Show that a receipt cannot be edited unnoticed"],
    keyPoints: ["Equal digests mean equal bytes: no search for traces is needed.", "A receipt holds digests and hashes under a salt. Whoever has the rows can train again and compare. It cannot prove that nobody kept a copy elsewhere."],
    link: STORY,
    predict: { ask: "Everything is made again from rows that never held the person. How many of the ten sub-models will have the very same bytes?", options: ["Nine: the retrained one differs a little", "All ten", "None: training is random"], answer: 1 },
    tasks: ["Forget one person.", "Wait for the twin.", "Change one digit of the receipt, and have it read."],
    answer: "All ten sub-models, the division and the combiner are equal, bit for bit. The edited receipt is refused: its own digest does not fit.",
  },
  {
    id: "shards", title: "How many shards?", teaching: 5, exercise: 10,
    questions: ["What is lost as shards become more, and what is gained?"],
    objectives: ["Draw a guess before measuring", "Read accuracy against cost"],
    keyPoints: ["With K shards one request trains on about a K-th of the rows.", "Asked jointly, even many small shards lose little; asked singly they lose much."],
    link: "#v1&data=sample:small&partition.method=hash",
    predict: { ask: "One model has 100% of its own accuracy. What will 40 shards, asked jointly, have? Draw it on the axis first, then say it.", options: ["About half", "About three quarters", "More than nine tenths"], answer: 2 },
    tasks: ["Measure 2, 5, 10, 20 and 40 shards. This takes a moment."],
    answer: "Accuracy stays near that of one model throughout, while the rows that one request trains on fall to a fortieth.",
  },
  {
    id: "adding", title: "Adding is forgetting backwards", teaching: 5, exercise: 10,
    questions: ["What happens to the models when somebody comes, and leaves again?"],
    objectives: ["See that a change is rows out and rows in, one operation", "Compare an ensemble with itself by its digest"],
    keyPoints: ["Adding trains only the shards that gain rows, and equals having had the rows from the start.", "Who comes and leaves again leaves no bit behind."],
    link: "#v1&data=sample:small&partition.method=hash",
    predict: { ask: "Somebody is added and then forgotten. Is the ensemble the one from before?", options: ["Nearly, but not to the bit", "To the bit", "No: its shard has trained twice more"], answer: 1 },
    tasks: ["Note the ensemble's digest, and add somebody who liked six things.", "Forget them again, and compare the digest."],
    answer: "The digest is the one from before: what is trained again is a function of the rows that are there, and they are the same.",
  },
];

/** What fits into an hour, and into an hour and a half. */
export const WORKSHOPS: readonly { minutes: number; plan: readonly (readonly [number, string])[] }[] = [
  {
    minutes: 60,
    plan: [
      [5, "The page alone: forget the suggested person together, and read the last line aloud."],
      [15, "Lesson: What does it remember of you?"], [15, "Lesson: Is it really gone?"], [10, "Lesson: Fifty-one neighbours, or thirty random people?"],
      [10, "In pairs: forget yourself in a file of your own, or in the sample; save the receipt; check your neighbour’s."], [5, "What did we not prove? Read “How to misread this” together."],
    ],
  },
  {
    minutes: 90,
    plan: [
      [5, "The page alone: forget the suggested person together, and read the last line aloud."],
      [15, "Lesson: What does it remember of you?"], [15, "Lesson: Does equal size mean equal cost?"], [15, "Lesson: Ask your own shard, or all of them?"],
      [15, "Lesson: How many shards?"], [15, "Lesson: Is it really gone?"], [10, "In pairs: forget yourself, save the receipt, check your neighbour’s. What did we not prove?"],
    ],
  },
];
