//! The names that columns have in the files of the world, by the role they tell.

use super::Role;

/// Names taken for a role, compared without case, accents, blanks and punctuation; earlier ones win. The first are those that
/// a refusal shows.
const USER: &str = "user userid uid users username customer customerid reviewer reviewerid visitor visitorid member memberid \
    account accountid client clientid person personid buyer buyerid reader readerid listener listenerid player playerid \
    session sessionid customeruniqueid author authorid authorsteamid steamid profilename reviewername userindex useridx \
    customernumber userkey usr viewer viewerid subscriber subscriberid shopper patient patientid student studentid \
    benutzer benutzerid nutzer nutzerid kunde kundenid kundennummer kundennr utilisateur idutilisateur clientele usuario \
    usuarioid idusuario utente idutente cliente idcliente utilizador gebruiker gebruikerid klant klantid klantnummer \
    uzytkownik iduzytkownika klient klientid anvandare anvandarid kund bruker brukerid bruger kayttaja felhasznalo uzivatel \
    kullanici polzovatel";
const ITEM: &str = "item itemid iid movie movieid sku product productid items mid film filmid pid asin parentasin book bookid \
    isbn track trackid song songid artist artistid anime animeid game gameid article articleid business businessid recipe \
    recipeid video videoid app appid goods goodsid offer offerid news newsid course courseid hotel hotelid restaurant \
    restaurantid place placeid venue venueid poi poiid locationid beer beerid beerbeerid joke jokeid show showid \
    listing listingid stockcode productcode itemindex itemidx trackuri tracktrackuri albumid album artistname trackname \
    mastermetadatatrackname itemkey gmapid title producttitle booktitle movietitle itemname productname \
    artikel artikelid artikelnummer artikelnr produkt produktid buch produit idproduit livre idfilm articulo articuloid \
    producto productoid idproducto pelicula peliculaid libro articolo prodotto idprodotto produto filme livro boek produkty \
    ksiazka idproduktu vara varor tuote termek vyrobek urun tovar";
const RATING: &str = "rating ratings val value score stars star overall bookrating starrating userrating preference plays \
    playcount count weight reviewscore reviewoverall ratingvalue ratingscore feedback playtimeforever hoursplayed watchratio cnt quantity \
    qty frequency bewertung wertung punkte evaluation puntuacion valoracion calificacion valutazione avaliacao beoordeling \
    waardering ocena betyg";
/// Taken only where numbers stand below.
const RATING_WEAK: &str =
    "note nota voto points menge anzahl cantidad quantite quantita aantal msplayed secondsplayed hours";
const TIME: &str = "timestamp time unixtime unixreviewtime ts datetime date reviewtime createdat ratingtime eventtime \
    timestampcreated sorttimestamp reviewdate dateadded endtime invoicedate orderdate purchasedate updatedat zeit datum \
    zeitpunkt zeitstempel horodatage fecha tijd czas aika";
/// Taken only where times stand below.
const TIME_WEAK: &str = "tag data hora ora heure tid when";
const CONSENT: &str = "consent consents consented anchor anchors isanchor optin agreed";
/// Columns of words that say what happened.
const EVENT: &str = "event eventtype action actiontype behavior behaviour behaviortype behaviourtype interaction \
    interactiontype activity activitytype isrecommended recommended votedup liked voted reaction ereignis aktion accion azione";
/// Parts of names that are no proof but a hint.
const USER_PART: &[&str] =
    &["user", "custom", "member", "client", "kunde", "nutzer", "usuario", "utilisat", "visitor", "review"];
const ITEM_PART: &[&str] =
    &["item", "movie", "product", "book", "artikel", "film", "song", "track", "game", "artic", "produ", "sku", "asin"];

fn words(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::User => (USER, ""),
        Role::Item => (ITEM, ""),
        Role::Rating => (RATING, RATING_WEAK),
        Role::Time => (TIME, TIME_WEAK),
        Role::Consent => (CONSENT, ""),
    }
}

/// The names a role is recognised by, the surest first.
pub(super) fn recognised(role: Role) -> impl Iterator<Item = &'static str> {
    words(role).0.split_ascii_whitespace()
}

/// Those that count only where the contents agree.
pub(super) fn weak(role: Role) -> impl Iterator<Item = &'static str> {
    words(role).1.split_ascii_whitespace()
}

/// Is it a name of the role beyond doubt?
pub(super) fn is(role: Role, name: &str) -> bool {
    let name = normalise(name);
    recognised(role).any(|known| known == name)
}

/// Does it name a column of words that say what happened?
pub(super) fn is_event(name: &str) -> bool {
    let name = normalise(name);
    EVENT.split_ascii_whitespace().any(|known| known == name)
}

/// Does it sound like the role?
pub(super) fn hints(role: Role, name: &str) -> bool {
    let name = normalise(name);
    let parts = match role {
        Role::User => USER_PART,
        Role::Item => ITEM_PART,
        Role::Rating | Role::Time | Role::Consent => return false,
    };
    parts.iter().any(|part| name.contains(part))
}

/// Lower case, without accents, blanks, punctuation and RecBole's type (`user_id:token`).
pub(super) fn normalise(name: &str) -> String {
    let bare = ["token", "float", "token_seq", "float_seq"]
        .iter()
        .find_map(|kind| name.strip_suffix(kind).and_then(|name| name.strip_suffix(':')))
        .unwrap_or(name);
    bare.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).map(plain).collect()
}

/// The letter under the accent, for the letters of Latin-1 and the common ones of Latin Extended-A.
fn plain(c: char) -> char {
    match c {
        '\u{e0}'..='\u{e5}' | '\u{101}' | '\u{103}' | '\u{105}' => 'a',
        '\u{e7}' | '\u{107}' | '\u{10d}' => 'c',
        '\u{e8}'..='\u{eb}' | '\u{113}' | '\u{119}' | '\u{11b}' => 'e',
        '\u{ec}'..='\u{ef}' | '\u{12b}' | '\u{131}' => 'i',
        '\u{f1}' | '\u{144}' | '\u{148}' => 'n',
        '\u{f2}'..='\u{f6}' | '\u{f8}' | '\u{151}' => 'o',
        '\u{f9}'..='\u{fc}' | '\u{16b}' | '\u{16f}' | '\u{171}' => 'u',
        '\u{fd}' | '\u{ff}' => 'y',
        '\u{142}' => 'l',
        '\u{15b}' | '\u{161}' | '\u{15f}' => 's',
        '\u{17a}' | '\u{17c}' | '\u{17e}' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_accents_and_marks() {
        for name in ["User-ID", "user_id:token", "\u{feff}USER ID", "U\u{17c}ytkownik", "K\u{e4}ytt\u{e4}j\u{e4}"] {
            assert!(is(Role::User, name), "{name}");
        }
        assert!(is(Role::Rating, "\u{c9}valuation") && is(Role::Item, "Pel\u{ed}cula") && is_event("Event Type"));
        assert!(!is(Role::User, "item") && hints(Role::User, "my_users_key") && !hints(Role::Item, "colour"));
    }
}
