"""The lists in which a word may stand: names, places, and what else tells who is who."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable
from functools import cache, lru_cache

from greenroom.data.lexicon import family_names, fold_name, given_names, ordinary_words

GIVEN, FAMILY, CITY, COUNTRY, WORD, COMPANY, STREET, TITLE, CALENDAR, NATION = (
    1 << bit for bit in range(10)
)


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_JOINTS = re.compile(r"[-'\u2019]")
_LETTERS = re.compile(r"[^\W\d_]+")
_COMPANY = _listed(
    "inc ltd llc plc gmbh ag kg corp corporation group company holding holdings sa sarl "
    "srl spa bv nv ab oy partners associates sons bros industries solutions systems "
    "services consulting bank insurance limited foundation university institute hospital "
    "clinic agency "
)
_STREET = _listed(
    "street st road rd avenue ave lane ln drive dr court ct square sq boulevard blvd "
    "terrace way place pl close crescent row alley parkway pkwy highway hwy gardens grove "
    "mews hill apt apartment suite unit floor flat box po rue via calle plaza straße "
    "strasse weg platz gasse allee laan straat avenida piazza viale chemin quai circle "
    "trail route "
)
_TITLE = _listed(
    "mr mrs ms miss mx dr prof professor sir madam lord lady herr frau monsieur madame "
    "signor signora señor señora sr sra dott rev judge captain mister doctor heer mevrouw "
)
_CALENDAR = _listed(
    "january february march april may june july august september october november "
    "december jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday "
    "thursday friday saturday sunday mon tue wed thu fri sat sun januar februar märz mai "
    "juni juli oktober dezember "
)
_NATIONS = _listed(
    "american british english scottish irish welsh french german italian spanish "
    "portuguese dutch belgian swiss austrian polish czech slovak hungarian romanian "
    "bulgarian greek turkish russian ukrainian serbian croatian slovenian swedish "
    "norwegian danish finnish icelandic estonian latvian lithuanian canadian mexican "
    "brazilian argentine argentinian chilean peruvian colombian venezuelan cuban jamaican "
    "australian egyptian moroccan algerian tunisian nigerian ghanaian kenyan ethiopian "
    "somali syrian iraqi iranian israeli lebanese saudi jordanian pakistani indian "
    "bangladeshi nepalese chinese japanese korean vietnamese thai filipino indonesian "
    "malaysian maltese cypriot albanian armenian georgian afghan bolivian ecuadorian "
    "african european asian arab muslim christian jewish catholic buddhist hindu kurdish "
)
_MORE_NATIONS = _listed(
    "congolese rwandan ugandan tanzanian zambian zimbabwean angolan cameroonian senegalese ivorian "
    "malian libyan sudanese eritrean gambian togolese beninese gabonese liberian botswanan "
    "namibian "
    "mozambican malagasy mauritian omani qatari emirati kuwaiti bahraini yemeni azerbaijani kazakh "
    "uzbek turkmen tajik kyrgyz mongolian tibetan burmese laotian cambodian bruneian singaporean "
    "taiwanese fijian samoan tongan maori belarusian moldovan bosnian montenegrin macedonian "
    "luxembourgish andorran monegasque basque catalan breton flemish walloon bavarian prussian "
    "paraguayan uruguayan panamanian nicaraguan honduran salvadoran guatemalan haitian dominican "
    "barbadian trinidadian guyanese belizean puerto-rican hispanic latino caribbean scandinavian "
    "protestant orthodox baptist methodist anglican lutheran sikh jain mormon atheist agnostic "
    "democrat republican socialist liberal conservative communist swede dane finn pole turk briton "
    "spaniard scot czechs germans americans italians russians greeks swedes"
)
NATIONS = frozenset((*_NATIONS, *_MORE_NATIONS))
_CITIES = "cities", "city_names", "real_city_names", "places"
_LATIN = re.compile(r"[A-Za-zÀ-ž' .-]+")
MORE_CITIES = _listed(
    "London Manchester Birmingham Leeds Liverpool Bristol Glasgow Edinburgh Cardiff "
    "Belfast Dublin Cork Paris Lyon Marseille Toulouse Berlin Hamburg Munich Cologne "
    "Frankfurt Vienna Zurich Geneva Rome Milan Naples Turin Florence Venice Madrid "
    "Barcelona Seville Lisbon Porto Brussels Antwerp Amsterdam Rotterdam Copenhagen Oslo "
    "Stockholm Helsinki Warsaw Prague Budapest Athens Istanbul Moscow Kiev Chicago "
    "Houston Boston Seattle Denver Atlanta Miami Dallas Phoenix Detroit Portland "
    "Philadelphia Baltimore Nashville Memphis Toronto Montreal Vancouver Ottawa Sydney "
    "Melbourne Brisbane Perth Adelaide Auckland Wellington Tokyo Osaka Seoul Beijing "
    "Shanghai Delhi Mumbai Bangalore Karachi Lahore Dhaka Cairo Lagos Nairobi "
    "Johannesburg Casablanca Dubai Bangkok Singapore Jakarta Manila Hanoi Havana Lima "
    "Bogota Santiago "
)


def _of_addresses(names: Iterable[str]) -> set[str]:
    from faker.providers import address

    found: set[str] = set()
    for module in pkgutil.iter_modules(address.__path__):
        provider = importlib.import_module(f"{address.__name__}.{module.name}").Provider
        for name in names:
            entries = getattr(provider, name, ())
            if isinstance(entries, tuple | list | dict):
                found |= {str(entry) for entry in entries if _LATIN.fullmatch(str(entry))}
    return found


@cache
def cities() -> tuple[str, ...]:
    """Give names of cities in Latin letters."""
    return tuple(sorted(_of_addresses(_CITIES) | set(MORE_CITIES)))


@cache
def countries() -> tuple[str, ...]:
    """Give names of countries and of states, in English."""
    from faker.providers.address.en import Provider as English
    from faker.providers.address.en_US import Provider as American

    known = {str(name) for name in English.countries if "(" not in str(name)}
    return tuple(sorted(known | set(American.states) | {"UK", "USA", "England", "Scotland"}))


@cache
def _words_of_places() -> tuple[tuple[int, frozenset[str]], ...]:
    return tuple(
        (bit, frozenset(fold_name(w) for name in names for w in _LETTERS.findall(name)
                        if len(w) > 3))
        for bit, names in ((CITY, cities()), (COUNTRY, countries()))
    )  # fmt: skip


_LISTS = tuple(
    (bit, frozenset(words))
    for bit, words in (
        (COMPANY, _COMPANY), (STREET, _STREET), (TITLE, _TITLE), (CALENDAR, _CALENDAR),
        (NATION, NATIONS),
    )
)  # fmt: skip


@lru_cache(100_000)
def lists_of(word: str, is_word: bool) -> int:
    """Tell the lists in which a word stands; ``is_word``: whether it is one of the language."""
    plain = fold_name(word)
    parts = [part for part in map(fold_name, _JOINTS.split(word)) if len(part) > 2]
    found = WORD if is_word or plain in ordinary_words() else 0
    if any(part in given_names() for part in parts):
        found |= GIVEN
    if any(part in family_names() for part in parts):
        found |= FAMILY
    for bit, known in (*_words_of_places(), *_LISTS):
        if plain in known:
            found |= bit
    return found
