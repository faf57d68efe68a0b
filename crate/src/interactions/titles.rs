//! Titles and genres of items, for people to read; no number depends on them. Those of the sample are invented here.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::numerics::random::below;

/// What an item is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ItemTitle {
    /// The item's external id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its genres, if known.
    pub genres: Vec<String>,
}

/// Titles by item id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ItemTitles {
    /// Ascending by id.
    entries: Vec<ItemTitle>,
}

impl ItemTitles {
    /// Sorts; of equal ids the first is kept.
    pub fn new(mut entries: Vec<ItemTitle>) -> Self {
        tiny_sort::stable::sort_by(&mut entries, |a, b| a.id.cmp(&b.id));
        entries.dedup_by(|later, kept| later.id == kept.id);
        ItemTitles { entries }
    }

    /// The entry of an item.
    pub fn get(&self, id: &str) -> Option<&ItemTitle> {
        self.entries.binary_search_by(|entry| entry.id.as_str().cmp(id)).ok().map(|at| &self.entries[at])
    }

    /// All, ascending by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ItemTitle> {
        self.entries.iter()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keeps those of some items.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.entries.retain(|entry| keep(&entry.id));
    }

    /// What items are called, by id; genres, where known, in brackets behind it.
    pub fn into_map(self) -> BTreeMap<String, String> {
        let named = |entry: ItemTitle| {
            let ItemTitle { id, title, genres } = entry;
            (id, if genres.is_empty() { title } else { format!("{title} [{}]", genres.join(", ")) })
        };
        self.entries.into_iter().map(named).collect()
    }
}

/// A taste that the sample plants: its name and the things its titles are about.
struct Theme {
    name: &'static str,
    things: [&'static str; 20],
}

const THEMES: [Theme; 12] = [
    Theme {
        name: "Sea stories",
        things: [
            "Lighthouse",
            "Harbour",
            "Tide",
            "Anchor",
            "Mast",
            "Reef",
            "Schooner",
            "Gull",
            "Lagoon",
            "Compass",
            "Trawler",
            "Driftwood",
            "Mermaid",
            "Ferry",
            "Breakwater",
            "Sextant",
            "Island",
            "Storm",
            "Pearl",
            "Whale",
        ],
    },
    Theme {
        name: "Clockwork mysteries",
        things: [
            "Clock",
            "Alibi",
            "Keyhole",
            "Ledger",
            "Pendulum",
            "Cipher",
            "Candle",
            "Inspector",
            "Umbrella",
            "Attic",
            "Letter",
            "Footprint",
            "Locksmith",
            "Witness",
            "Cogwheel",
            "Riddle",
            "Doorbell",
            "Typewriter",
            "Suspect",
            "Monocle",
        ],
    },
    Theme {
        name: "Far planets",
        things: [
            "Comet",
            "Orbit",
            "Moonbase",
            "Nebula",
            "Signal",
            "Android",
            "Airlock",
            "Satellite",
            "Asteroid",
            "Starship",
            "Gravity",
            "Colony",
            "Eclipse",
            "Probe",
            "Telescope",
            "Meteor",
            "Cosmonaut",
            "Horizon",
            "Antenna",
            "Capsule",
        ],
    },
    Theme {
        name: "Kitchen comedies",
        things: [
            "Teapot",
            "Souffle",
            "Ladle",
            "Pancake",
            "Dumpling",
            "Waiter",
            "Pickle",
            "Bakery",
            "Casserole",
            "Marmalade",
            "Noodle",
            "Whisk",
            "Cupcake",
            "Tablecloth",
            "Recipe",
            "Onion",
            "Croissant",
            "Pepper Mill",
            "Dessert",
            "Chef",
        ],
    },
    Theme {
        name: "Mountain adventures",
        things: [
            "Summit",
            "Glacier",
            "Ridge",
            "Rope",
            "Avalanche",
            "Eagle",
            "Pass",
            "Cabin",
            "Lantern",
            "Ibex",
            "Canyon",
            "Waterfall",
            "Echo",
            "Snowfield",
            "Trail",
            "Backpack",
            "Cliff",
            "Sherpa",
            "Campfire",
            "Valley",
        ],
    },
    Theme {
        name: "Village romances",
        things: [
            "Orchard",
            "Waltz",
            "Bicycle",
            "Meadow",
            "Violin",
            "Wedding",
            "Postcard",
            "Rosebush",
            "Balcony",
            "Summer",
            "Promise",
            "Fountain",
            "Ribbon",
            "Blossom",
            "Picnic",
            "Swing",
            "Lavender",
            "Neighbour",
            "Serenade",
            "Garden",
        ],
    },
    Theme {
        name: "Haunted houses",
        things: [
            "Ghost",
            "Cellar",
            "Mirror",
            "Raven",
            "Crypt",
            "Staircase",
            "Shadow",
            "Portrait",
            "Fog",
            "Whisper",
            "Bat",
            "Gargoyle",
            "Coffin",
            "Midnight",
            "Puppet",
            "Curse",
            "Chandelier",
            "Scarecrow",
            "Tombstone",
            "Veil",
        ],
    },
    Theme {
        name: "Animal tales",
        things: [
            "Hedgehog", "Otter", "Badger", "Owl", "Fox", "Sparrow", "Beaver", "Donkey", "Squirrel", "Turtle", "Goose",
            "Rabbit", "Heron", "Mole", "Bear", "Penguin", "Hamster", "Stork", "Lynx", "Frog",
        ],
    },
    Theme {
        name: "Desert epics",
        things: [
            "Caravan",
            "Dune",
            "Oasis",
            "Sultan",
            "Scimitar",
            "Mirage",
            "Falcon",
            "Bazaar",
            "Camel",
            "Palm",
            "Tent",
            "Nomad",
            "Cistern",
            "Carpet",
            "Sandstorm",
            "Saddle",
            "Minaret",
            "Date Palm",
            "Well",
            "Citadel",
        ],
    },
    Theme {
        name: "Jazz nights",
        things: [
            "Trumpet",
            "Saxophone",
            "Nightclub",
            "Encore",
            "Drummer",
            "Piano",
            "Solo",
            "Microphone",
            "Ballad",
            "Rhythm",
            "Spotlight",
            "Trombone",
            "Record",
            "Quartet",
            "Clarinet",
            "Melody",
            "Bandstand",
            "Chorus",
            "Tempo",
            "Singer",
        ],
    },
    Theme {
        name: "Court dramas",
        things: [
            "Crown",
            "Duchess",
            "Throne",
            "Ballroom",
            "Cardinal",
            "Sceptre",
            "Treaty",
            "Heir",
            "Carriage",
            "Jester",
            "Palace",
            "Masquerade",
            "Regent",
            "Signet",
            "Courtier",
            "Banquet",
            "Duel",
            "Locket",
            "Tapestry",
            "Envoy",
        ],
    },
    Theme {
        name: "Small inventions",
        things: [
            "Engine",
            "Balloon",
            "Battery",
            "Workshop",
            "Spring",
            "Propeller",
            "Transistor",
            "Blueprint",
            "Magnet",
            "Bridge",
            "Prism",
            "Loom",
            "Tramway",
            "Windmill",
            "Robot",
            "Screwdriver",
            "Pulley",
            "Radio",
            "Steam",
            "Dynamo",
        ],
    },
];

const QUALITIES: [&str; 36] = [
    "Copper",
    "Silent",
    "Crimson",
    "Forgotten",
    "Patient",
    "Velvet",
    "Restless",
    "Golden",
    "Crooked",
    "Second",
    "Paper",
    "Blue",
    "Hidden",
    "Laughing",
    "Frozen",
    "Wandering",
    "Last",
    "Emerald",
    "Sleepless",
    "Borrowed",
    "Honest",
    "Scarlet",
    "Invisible",
    "Stubborn",
    "Distant",
    "Amber",
    "Broken",
    "Gentle",
    "Curious",
    "Iron",
    "Seventh",
    "Lonely",
    "Painted",
    "Secret",
    "Winter",
    "Unlikely",
];

/// How many tastes have names of their own.
pub(super) const NAMED_THEMES: u32 = THEMES.len() as u32;

/// The name of a planted taste group.
pub(super) fn theme_name(group: u32) -> String {
    let theme = THEMES[(group % NAMED_THEMES) as usize].name;
    match group / NAMED_THEMES {
        0 => theme.to_owned(),
        round => format!("{theme} {}", round + 1),
    }
}

/// A title about the group's things that `taken` does not hold yet; adds it there.
pub(super) fn invent(rng: &mut impl Rng, group: u32, taken: &mut BTreeSet<String>) -> String {
    let things = &THEMES[(group % NAMED_THEMES) as usize].things;
    let mut number = 1u32;
    loop {
        let thing = things[below(rng, things.len() as u32) as usize];
        let quality = QUALITIES[below(rng, QUALITIES.len() as u32) as usize];
        let other = things[below(rng, things.len() as u32) as usize];
        let mut title = match below(rng, 8) {
            0..=2 => format!("The {quality} {thing}"),
            3 => format!("{quality} {thing}"),
            4 => format!("My {quality} {thing}"),
            5 if other != thing => format!("The {thing} and the {other}"),
            6 if other != thing => format!("The {other}'s {quality} {thing}"),
            _ => format!("Return of the {quality} {thing}"),
        };
        // After a few collisions it becomes a sequel, so that any number of titles can be made.
        if number > 4 {
            title += &format!(" {}", number - 3);
        }
        if taken.insert(title.clone()) {
            return title;
        }
        number += 1;
    }
}
