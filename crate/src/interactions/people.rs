//! Names of the sample's invented people, for display; no number depends on them, and none of them is anybody.

const FIRST: [&str; 80] = [
    "Ada", "Aino", "Alba", "Amir", "Anouk", "Arlo", "Asha", "Bela", "Bruno", "Calla", "Cato", "Ciro", "Dalia", "Daro",
    "Edda", "Elio", "Enzo", "Esme", "Fadi", "Fenn", "Flora", "Gala", "Gus", "Hana", "Hugo", "Ida", "Ilse", "Imre",
    "Ines", "Iris", "Ivo", "Jale", "Joris", "Juno", "Kaia", "Kemal", "Lars", "Leila", "Lena", "Linus", "Lotte", "Luca",
    "Mara", "Matei", "Mila", "Milo", "Mina", "Nadia", "Neri", "Niko", "Nora", "Odile", "Olin", "Omar", "Oona", "Otto",
    "Pavel", "Petra", "Pia", "Quinn", "Rafi", "Remy", "Rhea", "Rosa", "Ruben", "Sami", "Sefa", "Silas", "Sofia",
    "Tarek", "Tess", "Timo", "Tove", "Uma", "Vera", "Viggo", "Wanda", "Yara", "Yusuf", "Zora",
];

const LAST: [&str; 80] = [
    "Abendroth",
    "Aldane",
    "Anselm",
    "Arkwright",
    "Balder",
    "Bellweather",
    "Birkholt",
    "Borealis",
    "Brandywell",
    "Calloway",
    "Cardamon",
    "Castelmar",
    "Cobblestone",
    "Corvane",
    "Dalgaard",
    "Delacourt",
    "Drummel",
    "Eastlake",
    "Ebonwood",
    "Elderfield",
    "Farrow",
    "Fennimore",
    "Fiordal",
    "Foxglove",
    "Galantine",
    "Garnethill",
    "Glasswright",
    "Greenaway",
    "Halloway",
    "Harkensee",
    "Hawthorn",
    "Hollander",
    "Inkwell",
    "Ironside",
    "Ivorson",
    "Jessamine",
    "Juniper",
    "Kestrel",
    "Kingsley",
    "Korhonel",
    "Lanternas",
    "Larkspur",
    "Lindquay",
    "Longmere",
    "Maplethorpe",
    "Marigold",
    "Merrow",
    "Moonlake",
    "Nightingale",
    "Norwater",
    "Oakhurst",
    "Orlando",
    "Overmars",
    "Paperwhite",
    "Pellegrin",
    "Pinewood",
    "Quartermain",
    "Quillfeather",
    "Ravensby",
    "Redgrave",
    "Rosenthorn",
    "Saltmarsh",
    "Silverton",
    "Sorrel",
    "Starling",
    "Stonebridge",
    "Tamarind",
    "Thistledown",
    "Tidewell",
    "Underhill",
    "Valerian",
    "Vantongeren",
    "Vesper",
    "Waterford",
    "Whitlock",
    "Windermere",
    "Woodruff",
    "Yarrow",
    "Yellowley",
    "Zephyrin",
];

/// What the person of this number is called. No two are called the same, and neighbours share no first name.
pub(crate) fn invented_name(number: u32) -> String {
    let (first, round) = (number % 80, number / 80);
    let last = (round + 37 * first) % 80;
    let name = format!("{} {}", FIRST[first as usize], LAST[last as usize]);
    // Names run out after 6,400 people: then they are numbered, as kings are.
    match round / 80 {
        0 => name,
        generation => format!("{name} {}", generation + 1),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_shares_a_name() {
        let names: BTreeSet<String> = (0..20_000).map(invented_name).collect();
        assert_eq!(names.len(), 20_000);
        assert_eq!(names.len(), names.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>().len());
    }
}
