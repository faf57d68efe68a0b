//! Letters and the marks that follow them, put together: Unicode's canonical composition (UAX 15) of Latin, Greek, Cyrillic and
//! Hangul. A library's tables hold every script and weigh fifty times as much as all of this.

/// By mark: letters, each followed by the letter with the mark (UnicodeData.txt, field 5).
const MARKS: &[(char, &str)] = &[
    (
        '\u{300}',
        "A\u{c0}E\u{c8}I\u{cc}O\u{d2}U\u{d9}a\u{e0}e\u{e8}i\u{ec}o\u{f2}u\u{f9}\u{dc}\u{1db}\u{fc}\u{1dc}N\u{1f8}\
         n\u{1f9}\u{415}\u{400}\u{418}\u{40d}\u{435}\u{450}\u{438}\u{45d}\u{112}\u{1e14}\u{113}\u{1e15}\u{14c}\
         \u{1e50}\u{14d}\u{1e51}W\u{1e80}w\u{1e81}\u{c2}\u{1ea6}\u{e2}\u{1ea7}\u{102}\u{1eb0}\u{103}\u{1eb1}\
         \u{ca}\u{1ec0}\u{ea}\u{1ec1}\u{d4}\u{1ed2}\u{f4}\u{1ed3}\u{1a0}\u{1edc}\u{1a1}\u{1edd}\u{1af}\u{1eea}\
         \u{1b0}\u{1eeb}Y\u{1ef2}y\u{1ef3}\u{1f00}\u{1f02}\u{1f01}\u{1f03}\u{1f08}\u{1f0a}\u{1f09}\u{1f0b}\
         \u{1f10}\u{1f12}\u{1f11}\u{1f13}\u{1f18}\u{1f1a}\u{1f19}\u{1f1b}\u{1f20}\u{1f22}\u{1f21}\u{1f23}\u{1f28}\
         \u{1f2a}\u{1f29}\u{1f2b}\u{1f30}\u{1f32}\u{1f31}\u{1f33}\u{1f38}\u{1f3a}\u{1f39}\u{1f3b}\u{1f40}\u{1f42}\
         \u{1f41}\u{1f43}\u{1f48}\u{1f4a}\u{1f49}\u{1f4b}\u{1f50}\u{1f52}\u{1f51}\u{1f53}\u{1f59}\u{1f5b}\u{1f60}\
         \u{1f62}\u{1f61}\u{1f63}\u{1f68}\u{1f6a}\u{1f69}\u{1f6b}\u{3b1}\u{1f70}\u{3b5}\u{1f72}\u{3b7}\u{1f74}\
         \u{3b9}\u{1f76}\u{3bf}\u{1f78}\u{3c5}\u{1f7a}\u{3c9}\u{1f7c}\u{391}\u{1fba}\u{395}\u{1fc8}\u{397}\
         \u{1fca}\u{1fbf}\u{1fcd}\u{3ca}\u{1fd2}\u{399}\u{1fda}\u{1ffe}\u{1fdd}\u{3cb}\u{1fe2}\u{3a5}\u{1fea}\
         \u{a8}\u{1fed}\u{39f}\u{1ff8}\u{3a9}\u{1ffa}",
    ),
    (
        '\u{301}',
        "A\u{c1}E\u{c9}I\u{cd}O\u{d3}U\u{da}Y\u{dd}a\u{e1}e\u{e9}i\u{ed}o\u{f3}u\u{fa}y\u{fd}C\u{106}c\u{107}L\
         \u{139}l\u{13a}N\u{143}n\u{144}R\u{154}r\u{155}S\u{15a}s\u{15b}Z\u{179}z\u{17a}\u{dc}\u{1d7}\u{fc}\
         \u{1d8}G\u{1f4}g\u{1f5}\u{c5}\u{1fa}\u{e5}\u{1fb}\u{c6}\u{1fc}\u{e6}\u{1fd}\u{d8}\u{1fe}\u{f8}\u{1ff}\
         \u{a8}\u{385}\u{391}\u{386}\u{395}\u{388}\u{397}\u{389}\u{399}\u{38a}\u{39f}\u{38c}\u{3a5}\u{38e}\u{3a9}\
         \u{38f}\u{3ca}\u{390}\u{3b1}\u{3ac}\u{3b5}\u{3ad}\u{3b7}\u{3ae}\u{3b9}\u{3af}\u{3cb}\u{3b0}\u{3bf}\
         \u{3cc}\u{3c5}\u{3cd}\u{3c9}\u{3ce}\u{3d2}\u{3d3}\u{413}\u{403}\u{41a}\u{40c}\u{433}\u{453}\u{43a}\
         \u{45c}\u{c7}\u{1e08}\u{e7}\u{1e09}\u{112}\u{1e16}\u{113}\u{1e17}\u{cf}\u{1e2e}\u{ef}\u{1e2f}K\u{1e30}k\
         \u{1e31}M\u{1e3e}m\u{1e3f}\u{d5}\u{1e4c}\u{f5}\u{1e4d}\u{14c}\u{1e52}\u{14d}\u{1e53}P\u{1e54}p\u{1e55}\
         \u{168}\u{1e78}\u{169}\u{1e79}W\u{1e82}w\u{1e83}\u{c2}\u{1ea4}\u{e2}\u{1ea5}\u{102}\u{1eae}\u{103}\
         \u{1eaf}\u{ca}\u{1ebe}\u{ea}\u{1ebf}\u{d4}\u{1ed0}\u{f4}\u{1ed1}\u{1a0}\u{1eda}\u{1a1}\u{1edb}\u{1af}\
         \u{1ee8}\u{1b0}\u{1ee9}\u{1f00}\u{1f04}\u{1f01}\u{1f05}\u{1f08}\u{1f0c}\u{1f09}\u{1f0d}\u{1f10}\u{1f14}\
         \u{1f11}\u{1f15}\u{1f18}\u{1f1c}\u{1f19}\u{1f1d}\u{1f20}\u{1f24}\u{1f21}\u{1f25}\u{1f28}\u{1f2c}\u{1f29}\
         \u{1f2d}\u{1f30}\u{1f34}\u{1f31}\u{1f35}\u{1f38}\u{1f3c}\u{1f39}\u{1f3d}\u{1f40}\u{1f44}\u{1f41}\u{1f45}\
         \u{1f48}\u{1f4c}\u{1f49}\u{1f4d}\u{1f50}\u{1f54}\u{1f51}\u{1f55}\u{1f59}\u{1f5d}\u{1f60}\u{1f64}\u{1f61}\
         \u{1f65}\u{1f68}\u{1f6c}\u{1f69}\u{1f6d}\u{1fbf}\u{1fce}\u{1ffe}\u{1fde}",
    ),
    (
        '\u{302}',
        "A\u{c2}E\u{ca}I\u{ce}O\u{d4}U\u{db}a\u{e2}e\u{ea}i\u{ee}o\u{f4}u\u{fb}C\u{108}c\u{109}G\u{11c}g\u{11d}H\
         \u{124}h\u{125}J\u{134}j\u{135}S\u{15c}s\u{15d}W\u{174}w\u{175}Y\u{176}y\u{177}Z\u{1e90}z\u{1e91}\
         \u{1ea0}\u{1eac}\u{1ea1}\u{1ead}\u{1eb8}\u{1ec6}\u{1eb9}\u{1ec7}\u{1ecc}\u{1ed8}\u{1ecd}\u{1ed9}",
    ),
    (
        '\u{303}',
        "A\u{c3}N\u{d1}O\u{d5}a\u{e3}n\u{f1}o\u{f5}I\u{128}i\u{129}U\u{168}u\u{169}V\u{1e7c}v\u{1e7d}\u{c2}\
         \u{1eaa}\u{e2}\u{1eab}\u{102}\u{1eb4}\u{103}\u{1eb5}E\u{1ebc}e\u{1ebd}\u{ca}\u{1ec4}\u{ea}\u{1ec5}\u{d4}\
         \u{1ed6}\u{f4}\u{1ed7}\u{1a0}\u{1ee0}\u{1a1}\u{1ee1}\u{1af}\u{1eee}\u{1b0}\u{1eef}Y\u{1ef8}y\u{1ef9}",
    ),
    (
        '\u{304}',
        "A\u{100}a\u{101}E\u{112}e\u{113}I\u{12a}i\u{12b}O\u{14c}o\u{14d}U\u{16a}u\u{16b}\u{dc}\u{1d5}\u{fc}\
         \u{1d6}\u{c4}\u{1de}\u{e4}\u{1df}\u{226}\u{1e0}\u{227}\u{1e1}\u{c6}\u{1e2}\u{e6}\u{1e3}\u{1ea}\u{1ec}\
         \u{1eb}\u{1ed}\u{d6}\u{22a}\u{f6}\u{22b}\u{d5}\u{22c}\u{f5}\u{22d}\u{22e}\u{230}\u{22f}\u{231}Y\u{232}y\
         \u{233}\u{418}\u{4e2}\u{438}\u{4e3}\u{423}\u{4ee}\u{443}\u{4ef}G\u{1e20}g\u{1e21}\u{1e36}\u{1e38}\
         \u{1e37}\u{1e39}\u{1e5a}\u{1e5c}\u{1e5b}\u{1e5d}\u{3b1}\u{1fb1}\u{391}\u{1fb9}\u{3b9}\u{1fd1}\u{399}\
         \u{1fd9}\u{3c5}\u{1fe1}\u{3a5}\u{1fe9}",
    ),
    (
        '\u{306}',
        "A\u{102}a\u{103}E\u{114}e\u{115}G\u{11e}g\u{11f}I\u{12c}i\u{12d}O\u{14e}o\u{14f}U\u{16c}u\u{16d}\u{423}\
         \u{40e}\u{418}\u{419}\u{438}\u{439}\u{443}\u{45e}\u{416}\u{4c1}\u{436}\u{4c2}\u{410}\u{4d0}\u{430}\
         \u{4d1}\u{415}\u{4d6}\u{435}\u{4d7}\u{228}\u{1e1c}\u{229}\u{1e1d}\u{1ea0}\u{1eb6}\u{1ea1}\u{1eb7}\u{3b1}\
         \u{1fb0}\u{391}\u{1fb8}\u{3b9}\u{1fd0}\u{399}\u{1fd8}\u{3c5}\u{1fe0}\u{3a5}\u{1fe8}",
    ),
    (
        '\u{307}',
        "C\u{10a}c\u{10b}E\u{116}e\u{117}G\u{120}g\u{121}I\u{130}Z\u{17b}z\u{17c}A\u{226}a\u{227}O\u{22e}o\u{22f}\
         B\u{1e02}b\u{1e03}D\u{1e0a}d\u{1e0b}F\u{1e1e}f\u{1e1f}H\u{1e22}h\u{1e23}M\u{1e40}m\u{1e41}N\u{1e44}n\
         \u{1e45}P\u{1e56}p\u{1e57}R\u{1e58}r\u{1e59}S\u{1e60}s\u{1e61}\u{15a}\u{1e64}\u{15b}\u{1e65}\u{160}\
         \u{1e66}\u{161}\u{1e67}\u{1e62}\u{1e68}\u{1e63}\u{1e69}T\u{1e6a}t\u{1e6b}W\u{1e86}w\u{1e87}X\u{1e8a}x\
         \u{1e8b}Y\u{1e8e}y\u{1e8f}\u{17f}\u{1e9b}",
    ),
    (
        '\u{308}',
        "A\u{c4}E\u{cb}I\u{cf}O\u{d6}U\u{dc}a\u{e4}e\u{eb}i\u{ef}o\u{f6}u\u{fc}y\u{ff}Y\u{178}\u{399}\u{3aa}\
         \u{3a5}\u{3ab}\u{3b9}\u{3ca}\u{3c5}\u{3cb}\u{3d2}\u{3d4}\u{415}\u{401}\u{406}\u{407}\u{435}\u{451}\
         \u{456}\u{457}\u{410}\u{4d2}\u{430}\u{4d3}\u{4d8}\u{4da}\u{4d9}\u{4db}\u{416}\u{4dc}\u{436}\u{4dd}\
         \u{417}\u{4de}\u{437}\u{4df}\u{418}\u{4e4}\u{438}\u{4e5}\u{41e}\u{4e6}\u{43e}\u{4e7}\u{4e8}\u{4ea}\
         \u{4e9}\u{4eb}\u{42d}\u{4ec}\u{44d}\u{4ed}\u{423}\u{4f0}\u{443}\u{4f1}\u{427}\u{4f4}\u{447}\u{4f5}\
         \u{42b}\u{4f8}\u{44b}\u{4f9}H\u{1e26}h\u{1e27}\u{d5}\u{1e4e}\u{f5}\u{1e4f}\u{16a}\u{1e7a}\u{16b}\u{1e7b}\
         W\u{1e84}w\u{1e85}X\u{1e8c}x\u{1e8d}t\u{1e97}",
    ),
    (
        '\u{309}',
        "A\u{1ea2}a\u{1ea3}\u{c2}\u{1ea8}\u{e2}\u{1ea9}\u{102}\u{1eb2}\u{103}\u{1eb3}E\u{1eba}e\u{1ebb}\u{ca}\
         \u{1ec2}\u{ea}\u{1ec3}I\u{1ec8}i\u{1ec9}O\u{1ece}o\u{1ecf}\u{d4}\u{1ed4}\u{f4}\u{1ed5}\u{1a0}\u{1ede}\
         \u{1a1}\u{1edf}U\u{1ee6}u\u{1ee7}\u{1af}\u{1eec}\u{1b0}\u{1eed}Y\u{1ef6}y\u{1ef7}",
    ),
    ('\u{30a}', "A\u{c5}a\u{e5}U\u{16e}u\u{16f}w\u{1e98}y\u{1e99}"),
    ('\u{30b}', "O\u{150}o\u{151}U\u{170}u\u{171}\u{423}\u{4f2}\u{443}\u{4f3}"),
    (
        '\u{30c}',
        "C\u{10c}c\u{10d}D\u{10e}d\u{10f}E\u{11a}e\u{11b}L\u{13d}l\u{13e}N\u{147}n\u{148}R\u{158}r\u{159}S\u{160}\
         s\u{161}T\u{164}t\u{165}Z\u{17d}z\u{17e}A\u{1cd}a\u{1ce}I\u{1cf}i\u{1d0}O\u{1d1}o\u{1d2}U\u{1d3}u\u{1d4}\
         \u{dc}\u{1d9}\u{fc}\u{1da}G\u{1e6}g\u{1e7}K\u{1e8}k\u{1e9}\u{1b7}\u{1ee}\u{292}\u{1ef}j\u{1f0}H\u{21e}h\
         \u{21f}",
    ),
    (
        '\u{30f}',
        "A\u{200}a\u{201}E\u{204}e\u{205}I\u{208}i\u{209}O\u{20c}o\u{20d}R\u{210}r\u{211}U\u{214}u\u{215}\u{474}\
         \u{476}\u{475}\u{477}",
    ),
    ('\u{311}', "A\u{202}a\u{203}E\u{206}e\u{207}I\u{20a}i\u{20b}O\u{20e}o\u{20f}R\u{212}r\u{213}U\u{216}u\u{217}"),
    (
        '\u{313}',
        "\u{3b1}\u{1f00}\u{391}\u{1f08}\u{3b5}\u{1f10}\u{395}\u{1f18}\u{3b7}\u{1f20}\u{397}\u{1f28}\u{3b9}\
         \u{1f30}\u{399}\u{1f38}\u{3bf}\u{1f40}\u{39f}\u{1f48}\u{3c5}\u{1f50}\u{3c9}\u{1f60}\u{3a9}\u{1f68}\
         \u{3c1}\u{1fe4}",
    ),
    (
        '\u{314}',
        "\u{3b1}\u{1f01}\u{391}\u{1f09}\u{3b5}\u{1f11}\u{395}\u{1f19}\u{3b7}\u{1f21}\u{397}\u{1f29}\u{3b9}\
         \u{1f31}\u{399}\u{1f39}\u{3bf}\u{1f41}\u{39f}\u{1f49}\u{3c5}\u{1f51}\u{3a5}\u{1f59}\u{3c9}\u{1f61}\
         \u{3a9}\u{1f69}\u{3c1}\u{1fe5}\u{3a1}\u{1fec}",
    ),
    ('\u{31b}', "O\u{1a0}o\u{1a1}U\u{1af}u\u{1b0}"),
    (
        '\u{323}',
        "B\u{1e04}b\u{1e05}D\u{1e0c}d\u{1e0d}H\u{1e24}h\u{1e25}K\u{1e32}k\u{1e33}L\u{1e36}l\u{1e37}M\u{1e42}m\
         \u{1e43}N\u{1e46}n\u{1e47}R\u{1e5a}r\u{1e5b}S\u{1e62}s\u{1e63}T\u{1e6c}t\u{1e6d}V\u{1e7e}v\u{1e7f}W\
         \u{1e88}w\u{1e89}Z\u{1e92}z\u{1e93}A\u{1ea0}a\u{1ea1}E\u{1eb8}e\u{1eb9}I\u{1eca}i\u{1ecb}O\u{1ecc}o\
         \u{1ecd}\u{1a0}\u{1ee2}\u{1a1}\u{1ee3}U\u{1ee4}u\u{1ee5}\u{1af}\u{1ef0}\u{1b0}\u{1ef1}Y\u{1ef4}y\u{1ef5}",
    ),
    ('\u{324}', "U\u{1e72}u\u{1e73}"),
    ('\u{325}', "A\u{1e00}a\u{1e01}"),
    ('\u{326}', "S\u{218}s\u{219}T\u{21a}t\u{21b}"),
    (
        '\u{327}',
        "C\u{c7}c\u{e7}G\u{122}g\u{123}K\u{136}k\u{137}L\u{13b}l\u{13c}N\u{145}n\u{146}R\u{156}r\u{157}S\u{15e}s\
         \u{15f}T\u{162}t\u{163}E\u{228}e\u{229}D\u{1e10}d\u{1e11}H\u{1e28}h\u{1e29}",
    ),
    ('\u{328}', "A\u{104}a\u{105}E\u{118}e\u{119}I\u{12e}i\u{12f}U\u{172}u\u{173}O\u{1ea}o\u{1eb}"),
    (
        '\u{32d}',
        "D\u{1e12}d\u{1e13}E\u{1e18}e\u{1e19}L\u{1e3c}l\u{1e3d}N\u{1e4a}n\u{1e4b}T\u{1e70}t\u{1e71}U\u{1e76}u\
         \u{1e77}",
    ),
    ('\u{32e}', "H\u{1e2a}h\u{1e2b}"),
    ('\u{330}', "E\u{1e1a}e\u{1e1b}I\u{1e2c}i\u{1e2d}U\u{1e74}u\u{1e75}"),
    (
        '\u{331}',
        "B\u{1e06}b\u{1e07}D\u{1e0e}d\u{1e0f}K\u{1e34}k\u{1e35}L\u{1e3a}l\u{1e3b}N\u{1e48}n\u{1e49}R\u{1e5e}r\
         \u{1e5f}T\u{1e6e}t\u{1e6f}Z\u{1e94}z\u{1e95}h\u{1e96}",
    ),
    (
        '\u{342}',
        "\u{1f00}\u{1f06}\u{1f01}\u{1f07}\u{1f08}\u{1f0e}\u{1f09}\u{1f0f}\u{1f20}\u{1f26}\u{1f21}\u{1f27}\u{1f28}\
         \u{1f2e}\u{1f29}\u{1f2f}\u{1f30}\u{1f36}\u{1f31}\u{1f37}\u{1f38}\u{1f3e}\u{1f39}\u{1f3f}\u{1f50}\u{1f56}\
         \u{1f51}\u{1f57}\u{1f59}\u{1f5f}\u{1f60}\u{1f66}\u{1f61}\u{1f67}\u{1f68}\u{1f6e}\u{1f69}\u{1f6f}\u{3b1}\
         \u{1fb6}\u{a8}\u{1fc1}\u{3b7}\u{1fc6}\u{1fbf}\u{1fcf}\u{3b9}\u{1fd6}\u{3ca}\u{1fd7}\u{1ffe}\u{1fdf}\
         \u{3c5}\u{1fe6}\u{3cb}\u{1fe7}\u{3c9}\u{1ff6}",
    ),
    (
        '\u{345}',
        "\u{1f00}\u{1f80}\u{1f01}\u{1f81}\u{1f02}\u{1f82}\u{1f03}\u{1f83}\u{1f04}\u{1f84}\u{1f05}\u{1f85}\u{1f06}\
         \u{1f86}\u{1f07}\u{1f87}\u{1f08}\u{1f88}\u{1f09}\u{1f89}\u{1f0a}\u{1f8a}\u{1f0b}\u{1f8b}\u{1f0c}\u{1f8c}\
         \u{1f0d}\u{1f8d}\u{1f0e}\u{1f8e}\u{1f0f}\u{1f8f}\u{1f20}\u{1f90}\u{1f21}\u{1f91}\u{1f22}\u{1f92}\u{1f23}\
         \u{1f93}\u{1f24}\u{1f94}\u{1f25}\u{1f95}\u{1f26}\u{1f96}\u{1f27}\u{1f97}\u{1f28}\u{1f98}\u{1f29}\u{1f99}\
         \u{1f2a}\u{1f9a}\u{1f2b}\u{1f9b}\u{1f2c}\u{1f9c}\u{1f2d}\u{1f9d}\u{1f2e}\u{1f9e}\u{1f2f}\u{1f9f}\u{1f60}\
         \u{1fa0}\u{1f61}\u{1fa1}\u{1f62}\u{1fa2}\u{1f63}\u{1fa3}\u{1f64}\u{1fa4}\u{1f65}\u{1fa5}\u{1f66}\u{1fa6}\
         \u{1f67}\u{1fa7}\u{1f68}\u{1fa8}\u{1f69}\u{1fa9}\u{1f6a}\u{1faa}\u{1f6b}\u{1fab}\u{1f6c}\u{1fac}\u{1f6d}\
         \u{1fad}\u{1f6e}\u{1fae}\u{1f6f}\u{1faf}\u{1f70}\u{1fb2}\u{3b1}\u{1fb3}\u{3ac}\u{1fb4}\u{1fb6}\u{1fb7}\
         \u{391}\u{1fbc}\u{1f74}\u{1fc2}\u{3b7}\u{1fc3}\u{3ae}\u{1fc4}\u{1fc6}\u{1fc7}\u{397}\u{1fcc}\u{1f7c}\
         \u{1ff2}\u{3c9}\u{1ff3}\u{3ce}\u{1ff4}\u{1ff6}\u{1ff7}\u{3a9}\u{1ffc}",
    ),
];

/// The text with letters and marks put together; equal for the two ways in which programs write the same letters.
pub(super) fn composed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last: Option<char> = None;
    for c in text.chars() {
        match last.and_then(|base| pair(base, c)) {
            Some(whole) => last = Some(whole),
            None => {
                out.extend(last.replace(c));
            }
        }
    }
    out.extend(last);
    out
}

fn pair(base: char, mark: char) -> Option<char> {
    if let Some(whole) = hangul(base as u32, mark as u32) {
        return Some(whole);
    }
    let (_, letters) = MARKS.iter().find(|(known, _)| *known == mark)?;
    let mut letters = letters.chars();
    while let (Some(letter), Some(whole)) = (letters.next(), letters.next()) {
        if letter == base {
            return Some(whole);
        }
    }
    None
}

/// Korean syllables are numbered by their parts (Unicode 3.12).
fn hangul(base: u32, part: u32) -> Option<char> {
    match (base, part) {
        (0x1100..=0x1112, 0x1161..=0x1175) => char::from_u32(0xac00 + ((base - 0x1100) * 21 + part - 0x1161) * 28),
        (0xac00..=0xd7a3, 0x11a8..=0x11c2) if (base - 0xac00).is_multiple_of(28) => {
            char::from_u32(base + part - 0x11a7)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_become_one_and_other_text_stays() {
        for (apart, whole) in [
            ("Jose\u{301}", "Jos\u{e9}"),
            ("A\u{30a}ngstro\u{308}m", "\u{c5}ngstr\u{f6}m"),
            ("Vie\u{302}\u{323}t", "Vi\u{1ec7}t"),
            ("\u{438}\u{306}", "\u{439}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("x\u{301}y", "x\u{301}y"),
            ("plain", "plain"),
            ("\u{301}", "\u{301}"),
        ] {
            // Marks in either order: the dot below stands first in the canonical form.
            let apart = apart.replace("\u{302}\u{323}", "\u{323}\u{302}");
            assert_eq!((composed(&apart).as_str(), composed(whole).as_str()), (whole, whole));
        }
    }
}
