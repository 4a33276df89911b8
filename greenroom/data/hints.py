"""What the name of a column, of its table, and its type say of it. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from greenroom.data.schema import Column, Table

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class Vote:
    """What one kind of evidence says: a method, how sure it is (0 to 1), and why."""

    method: str
    confidence: float
    why: str


_MAKE_WORDS = frozenset(
    {
        "city", "company", "country_subdivision", "email", "first_name", "full_name", "last_name",
        "street", "url", "username",
    }
)  # fmt: skip
_NO_WORDS = frozenset(
    {
        "bool", "bytea", "cidr", "date", "float4", "float8", "inet", "int2", "int4", "int8",
        "interval", "json", "jsonb", "macaddr", "macaddr8", "money", "numeric", "oid", "time",
        "timestamp", "timestamptz", "timetz", "uuid",
    }
)  # fmt: skip
"""Types that take no word: such a method would fail at the first row."""


def words_of(name: str) -> str:
    """Give a name's words, lower case, joined by ``_``: ``shipAddress2`` is ``ship_address_2``."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "_".join(word.lower() for word in _WORDS.findall(plain))


TEXTS = frozenset({"bpchar", "citext", "name", "text", "varchar", "char"})
NUMBERS = frozenset({"float4", "float8", "int2", "int4", "int8", "money", "numeric"})
MOMENTS = frozenset({"date", "timestamp", "timestamptz"})
DOCUMENTS = frozenset({"json", "jsonb"})
KEPT_TYPES = frozenset(
    {"bit", "bool", "interval", "pg_lsn", "time", "timetz", "tsquery", "txid_snapshot", "varbit",
     "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange", "int4multirange",
     "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange",
     "regclass", "regtype", "regproc", "xid", "xid8", "cid", "tid"}
)  # fmt: skip
"""Types that hold no text about anybody."""

_PEOPLE = (
    r"users?|customers?|clients?|members?|patients?|employees?|contacts?|persons?|people|authors?"
    r"|students?|teachers?|pupils?|guests?|leads?|subscribers?|owners?|candidates?|applicants?"
    r"|staff|accounts?_holders?|beneficiar(?:y|ies)|relatives?|guardians?|parents?|doctors?"
    r"|physicians?|agents?|drivers?|tenants?_contacts?|attendees?|participants?|passengers?"
    r"|judges?|lawyers?|attorneys?|nurses?|clinicians?|therapists?|instructors?|supervisors?"
    r"|managers?|speakers?|players?|residents?|inmates?|witness(?:es)?|buyers?|sellers?|payees?"
    r"|recipients?|senders?|reviewers?|profiles?|admins?|operators?|donors?|volunteers?|signers?"
    r"|kunden?|mitarbeiter|patienten|schueler|lehrer|benutzer|personen|nutzer|teilnehmer"
    r"|ansprechpartner|utilisateurs?|personnes?|membres?|employes?|eleves?|usuarios?|clientes?"
    r"|personas?|empleados?|alumnos?|pacientes?|utenti|clienti|persone|gebruikers?|klanten?"
)
_FIRMS = (
    r"compan(?:y|ies)|organi[sz]ations?|firms?|vendors?|suppliers?|employers?|business(?:es)?"
    r"|accounts?|merchants?|partners?|tenants?"
    r"|firmen?|lieferanten?|societes?|entreprises?|fournisseurs?|empresas?|proveedores?|aziende?"
)
PEOPLE_TABLE = re.compile(rf"^(?!.*(?:api|oauth|app|http|test)_)(?:.*_)?(?:{_PEOPLE})$")
FIRMS_TABLE = re.compile(rf"(?:^|_)(?:{_FIRMS})$")
ADDRESS_TABLE = re.compile(r"(?:^|_)(?:address(?:es)?|adressen?|adresses?|direcciones)$")
EMPTIED_TABLE = re.compile(
    r"^(?:.*_)?(?:sessions?|session_store|delayed_jobs?|failed_jobs?|job_batches|jobs|good_jobs?"
    r"|sidekiq_jobs?|que_jobs?|oban_jobs|queues?|messenger_messages|outbox|inbox_messages"
    r"|password_resets?|password_reset_tokens|access_tokens?|refresh_tokens?|auth_tokens?"
    r"|personal_access_tokens|api_tokens?|api_keys?|oauth_access_grants|authtoken_token"
    r"|webhooks?|webhook_(?:deliveries|endpoints|events)|cache|cache_locks|rate_limits"
    r"|versions|audits?|audit_(?:logs?|events?|trail)|paper_trail|email_(?:logs?|queue)"
    r"|mail_queue|sms_(?:logs?|queue)|push_subscriptions|login_attempts|telescope_entries)$"
)
"""Tables whose rows would act on the world, let somebody in, or hold copies of rows."""

_WHO = rf"(?:(?:{_PEOPLE}|ship(?:ping|to)?|bill(?:ing|to)?|contact|card|account|emergency|invoice|delivery|display|legal|real|primary|secondary|assigned|created_by|updated_by|holder|liefer|rechnungs?|livraison|facturation|envio|next_of_kin|billed)_)"  # noqa: E501


def _rule(pattern: str, method: str, confidence: float, what: str) -> tuple[re.Pattern[str], Vote]:
    return re.compile(pattern), Vote(method, confidence, f"named like {what}")


_TEXT_RULES = [
    _rule(r"(?:^|_)(?:password|passwd|pwd|passphrase|passwort|kennwort|contrasena|mot_de_passe)"
          r"(?:_?(?:hash|digest|salt))?$|(?:^|_)(?:encrypted_password|password_\w+|salt)$"
          r"|(?:^|_)(?:secret|(?:api|user|access|auth|secret|private|signing|activation)_?key|api_secret|otp|totp|otp_secret"
          r"|two_factor_\w+|recovery_codes?|backup_codes?|pin|pin_code|client_secret"
          r"|webhook_secret|encrypted_\w+|credentials?)$"
          r"|(?:^|_)(?:token|jwt|bearer|digest)$|_token$|^token_|_digest$|_secret$|_hash$"
          r"|(?:^|_)session_?(?:id|key|data)$|(?:^|_)cookie$", "token", 0.95, "a secret"),
    _rule(r"(?:^|_)(?:e_?mails?|e_mail_address|mail|courriel|correo|correo_electronico|posta"
          r"|email_\w*address|mail_?address|emailadresse?|to_email|from_email|reply_to)(?:_\d+)?$"
          r"|^email_(?!template|subject|type|status|count|verified|sent|enabled)\w*$",
          "email", 0.97, "an e-mail address"),
    _rule(r"(?:^|_)(?:phone|phones|telephone|tel|telefon|telefono|mobile|mobil|handy|cell"
          r"|cell_?phone|fax|gsm|msisdn|whatsapp|portable|movil|celular|telefax|telefone)"
          r"(?:_?(?:number|no|nr|num|numero|nummer|home|work|mobile|private))?(?:_\d+)?$"
          r"|^(?:sms|call)_number$",
          "phone", 0.95, "a phone number"),
    _rule(r"(?:^|_)(?:iban|bank_account|account_iban)(?:_number)?$", "iban", 0.95, "an IBAN"),
    _rule(r"(?:^|_)(?:card_?number|cc_?number|credit_?card(?:_number)?|pan|kartennummer)$",
          "card", 0.95, "a card number"),
    _rule(r"(?:^|_)(?:last_?(?:4|four)(?:_digits)?|last_digits|card_last\w*|cvv|cvc)$",
          "digits", 0.85, "part of a card number"),
    _rule(r"(?:^|_)(?:ssn|social_security(?:_number|_no)?|national_(?:id|insurance)(?:_number)?"
          r"|nino|tax_?(?:id|number|payer_id)|tin|vat_?(?:id|number|no)|passport(?:_?(?:no|number))?"
          r"|driv\w*_licen[cs]e(?:_\w+)?|licen[cs]e_plate|identity_?(?:card|number|document)\w*"
          r"|id_(?:card|number)_?\w*|personal_?(?:id|number|code)|nif|nie|dni|cif|curp|cpf|rfc"
          r"|codice_fiscale|steuer(?:nummer|_?id|_id_nr)|ust_?id\w*|sozialversicherungs\w*"
          r"|numero_securite_sociale|nir|siret|bsn|pesel|ahv\w*|medical_record_\w+|mrn"
          r"|insurance_?(?:no|number|id)|policy_?number|patient_(?:no|number)|nhs_?number"
          r"|bank_?account(?:_?(?:no|number))?|account_?(?:no|number)|sort_code|routing_number"
          r"|num(?:ero)?_(?:de_)?(?:seguridad|securite)_sociale?|numero_tva|tva_intra\w*|partita_iva"
          r"|frequent_flyer_?\w*|loyalty_?(?:no|number|card\w*)|hospital_?(?:no|number)|gmc_number"
          r"|licen[cs]e_?(?:no|number)|kontonummer|bic|swift(?:_code)?|kvnr|versichertennummer)$",
          "national_id", 0.9, "a number that stands for somebody"),
    _rule(r"(?:^|_)(?:first_?names?|given_?names?|forename|fname|middle_?names?|vornamen?"
          r"|rufname|prenoms?|nombre_de_pila|nombres|primer_nombre|voornaam|christian_name)$",
          "first_name", 0.96, "a given name"),
    _rule(r"(?:^|_)(?:last_?names?|sur_?names?|family_?names?|lname|maiden_?name|nachnamen?"
          r"|familienname|geburtsname|nom_de_famille|nom_famille|apellidos?|segundo_apellido"
          r"|cognome|achternaam|apellido_\w+)$", "last_name", 0.96, "a family name"),
    _rule(r"(?:^|_)(?:linked_?in|xing|facebook|twitter|instagram|github|gitlab|youtube|tiktok)"
          r"_(?:url|link|profile|page)$|(?:^|_)(?:page_perso|homepage_url|social_url)$",
          "url", 0.85, "somebody's page"),
    _rule(r"(?:^|_)(?:user_?names?|login|login_name|nick_?names?|handle|screen_?name"
          r"|benutzer(?:name|kennung)?"
          r"|nom_utilisateur|nombre_usuario|usuario|identifiant|utente|gebruiker|pseudo|pseudonym|gamertag|twitter|skype|telegram"
          r"|instagram|linkedin|facebook|github|discord|irc|slack_(?:id|name|handle))$",
          "username", 0.93, "a user's name"),
    _rule(r"(?:^|_)(?:full_?names?|real_?name|display_?name|legal_?name|person_?name|nom_complet"
          r"|nombre_completo|vollstaendiger_name|card_?holder(?:_name)?|account_?holder|recipient"
          r"|addressee|consignee|payee|beneficiary|care_of|c_o|next_of_kin|emergency_contact|signature|signed_by|ansprechpartner"
          r"|empfaenger|destinataire|destinatario|contact_person|kontaktperson|attn)$"
          r"|(?:^|_)(?:contact|director|manager|guardian|assistant|payer|payee|buyer|seller|requester"
          r"|submitter|reporter|assignee|creator|editor|approver|organi[sz]er|speaker|instructor"
          r"|coach|child|youth|judge|lawyer|mother|father|spouse|partner|pick_up|witness|tenant|landlord)_(?:full_)?name$"
          rf"|^{_WHO}(?:full_)?name$|^(?:ship|bill)(?:ping|ing)?_?to$",
          "full_name", 0.94, "somebody's name"),
    _rule(r"(?:^|_)(?:company|company_?name|organi[sz]ation(?:_name)?|employer|firma|firmenname"
          r"|societe|entreprise|raison_sociale|empresa|razon_social|azienda|bedrijf|business_name"
          r"|workplace)$", "company", 0.88, "a company"),
    _rule(r"(?:^|_)(?:ip|ip_?(?:address|addr)|ipv[46]|remote_?(?:ip|addr|address)|last_ip"
          r"|(?:current|last)_sign_in_ip|client_ip|signup_ip|(?:adresse|direccion)_ip|ip_adress[ea])$",
          "ip", 0.95, "a network address"),
    _rule(r"(?:^|_)(?:mac|mac_?addr(?:ess)?|hw_?addr(?:ess)?)$", "mac", 0.9, "a hardware address"),
    _rule(r"(?:^|_)(?:street(?:_?(?:address|name|line|1|2|no|number))*|strasse|str|hausnummer"
          r"|rue|calle|via|straat|address(?:_?(?:line)?_?\d?)?|addr(?:ess)?_?\d?|adresse?(?:_\d)?"
          r"|direccion|indirizzo|line_?[123]|house_?(?:no|number)|apartment|apt|suite|po_?box|postbox"
          r"|location_address|home_address|postanschrift|anschrift|domicilio|morada)$",
          "street", 0.92, "a street address"),
    _rule(r"(?:^|_)(?:city|town|village|locality|suburb|ort|stadt|wohnort|ville|ciudad|localidad"
          r"|citta|plaats|municipality|geburtsort|birth_?place|place_of_birth|hometown)$",
          "city", 0.88, "a place"),
    _rule(r"(?:^|_)(?:zip|zip_?code|post_?code|postal_?code|plz|postleitzahl|code_postal"
          r"|codigo_postal|cp|cap|postcode)$", "postcode", 0.93, "a postcode"),
    _rule(r"(?:^|_)(?:avatar|photo|picture|portrait|profile_?(?:image|picture|photo|pic)|gravatar"
          r"|foto|bild)(?:_?(?:url|file_?name|path))?$", "url", 0.75, "a picture of somebody"),
    _rule(r"(?:^|_)(?:website|web_?site|homepage|home_page|personal_url|blog|blog_url|profile_url)$",
          "url", 0.8, "somebody's page"),
    _rule(r"(?:^|_)(?:user_?agent|browser|device_?(?:id|token|identifier)|fingerprint|imei|imsi"
          r"|(?:facebook|google|apple|github|linkedin|slack|discord|twitter|oauth|auth0|saml|sso"
          r"|provider|external_user)_(?:id|uid)|advertising_id|idfa|gaid|stripe_\w+_id"
          r"|paypal_\w*id|customer_ref)$", "token", 0.7,
          "something that tells one device or account from others"),
    _rule(r"(?:^|_)(?:birth_?(?:day|date)|date_of_birth|dob|born(?:_on)?|geburts(?:datum|tag)"
          r"|date_(?:de_)?naissance|fecha_(?:de_)?nacimiento|data_(?:di_)?nascita"
          r"|geboortedatum)$", "birth_date", 0.95, "a birth date"),
    _rule(r"(?:^|_)(?:notes?|bio|biography|about|about_me|comments?|message|body|content|text"
          r"|description|remarks?|subject|feedback|review|reply|answer|question|transcript"
          r"|reason|instructions|gift_note|summary|history|anamnese|diagnos(?:is|e)|notizen?"
          r"|bemerkung(?:en)?|kommentar|nachricht|beschreibung|commentaires?|remarques?|notas?"
          r"|mensaje|comentarios?|observaciones|descripcion|testimonial|resume|cover_letter"
          r"|details|memo)$", "text", 0.85, "free text"),
]  # fmt: skip
_NUMBER_RULES = [
    _rule(r"(?:^|_)(?:phone|telephone|tel|telefon|mobile|mobil|fax|cell|handy|msisdn|telefono)"
          r"(?:_?(?:number|no|nr))?$", "phone", 0.9, "a phone number"),
    _rule(r"(?:^|_)(?:ssn|national_id|tax_id|dni|cpf|bsn|pesel|personal_number|passport\w*"
          r"|nhs_?number|medical_record_number|mrn|patient_no)$", "digits", 0.88,
          "a number that stands for somebody"),
    _rule(r"(?:^|_)(?:lat|latitude|lng|lon|long|longitude|geo_(?:lat|lon|lng))$", "coordinates",
          0.9, "coordinates"),
    _rule(r"(?:^|_)(?:salary|income|wage|gehalt|lohn|salaire|salario|net_worth)$", "number", 0.8,
          "somebody's income"),
    _rule(r"(?:^|_)(?:pin|pin_code|cvv|cvc|last_?4)$", "digits", 0.85, "a secret number"),
]  # fmt: skip
_CODES = re.compile(
    r"(?:^|_)(?:id|uid|guid|key|code|slug|status|state|type|kind|role|locale|language|lang"
    r"|currency|country|country_code|time_?zone|tz|sku|ean|isbn|version|mime_type|content_type|"
    r"extension|color|colour|size|unit|category|level|priority|channel|source|method|provider"
    r"|gateway|driver|class|class_name|model|table_name|permission|scope|event|action|plan|tier"
    r"|gender|sex|salutation|anrede|format|encoding|checksum|md5|sha\d*|etag|path|route|uri"
    r"|controller|namespace|guard_name|connection|queue|frequency|interval|weekday|season"
    r"|codename|permalink|subdomain|migration|hex|barcode|branch|host|hostname|domain|stamp)$"
)
"""Names of columns that hold one of a few words."""
_COUNTED = re.compile(
    r"(?:^|_)(?:number|no|nr|num|numero|reference|ref|referencia|batch|lot|serial|sequence|seq"
    r"|tracking|awb|barcode|code_barres|codigo_barras|ean\d*|gtin|upc|sku|part|folio|expediente"
    r"|bankleitzahl|blz)$|(?:nummer|_number_\d)$"
)
"""Names of columns that hold numbers of orders and things."""


def by_name(table: Table, column: Column) -> Vote | None:
    """Say what the names of a column and its table, and its type, tell."""
    name, where = words_of(column.name), words_of(table.name)
    kind = column.base_type.removeprefix("_")
    if kind in NUMBERS:
        return _first(_NUMBER_RULES, name)
    if kind in MOMENTS:
        vote = _first(_TEXT_RULES, name)
        return vote if vote is not None and vote.method == "birth_date" else None
    if kind == "uuid":
        vote = _first(_TEXT_RULES, name)
        is_secret = vote is not None and vote.method == "token"
        return Vote("uuid", 0.8, "named like a secret") if is_secret and vote else None
    if kind not in TEXTS:
        return None
    return _by_table(name, where) or _first(_TEXT_RULES, name)


def is_code_name(column: Column) -> bool:
    """Whether a column is named like one that holds one of a few words, or a key."""
    return _CODES.search(words_of(column.name)) is not None


def is_counted_name(column: Column) -> bool:
    """Whether a column is named like one that holds numbers of orders or things."""
    return _COUNTED.search(words_of(column.name)) is not None


def by_checks(table: Table, column: Column) -> Vote | None:
    """Say what the table's checks tell of a column's values."""
    name = re.escape(column.name)
    of_few = re.compile(rf'\(*"?\b{name}\b"?\)*(?:::[a-z ]+)?\)* = ANY ')
    for check in table.checks:
        if of_few.search(check):
            return Vote("keep", 0.95, "a check allows a few words only")
        asks_at = "'@" in check or "@'" in check or "%@%" in check
        if asks_at and re.search(rf"\b{name}\b", check):
            return Vote("email", 0.7, "a check asks for an @")
    return None


def by_key(where: str, name: str) -> Vote | None:
    """Say what the name of a document's key tells; ``where`` is the key above it."""
    words = words_of(name)
    return _by_table(words, words_of(where)) or _first(_TEXT_RULES, words)


def by_comment(column: Column) -> Vote | None:
    """Say what a column's comment tells, by its words in groups of up to three."""
    words = words_of(column.comment).split("_")[:40]
    for length in (3, 2, 1):
        for at in range(len(words) - length + 1):
            phrase = "_".join(words[at : at + length])
            if len(phrase) < 5 and phrase not in ("iban", "ssn"):
                continue
            whole = (vote for pattern, vote in _TEXT_RULES if pattern.match(phrase))
            vote = next(whole, None)
            if vote is not None and vote.method != "text":
                why = vote.why.replace("named like", "its comment speaks of", 1)
                return Vote(vote.method, 0.6, why)
    return None


_LISTS = (
    (
        re.compile(r"(?:^|_)(?:phones?|phone_numbers?|telephones?|telefone?)$"),
        "phone",
        "phone numbers",
    ),
    (re.compile(r"(?:^|_)(?:emails?|email_addresses)$"), "email", "e-mail addresses"),
    (re.compile(r"(?:^|_)social_accounts?$"), "username", "accounts elsewhere"),
)
"""Tables that hold one thing of somebody in each row."""


def _by_table(name: str, where: str) -> Vote | None:
    """Decide ``name`` and ``title`` by whose table it is."""
    if name in ("address", "identifier", "name", "no", "number", "value"):
        for of_whom, method, what in _LISTS:
            if of_whom.search(where):
                return Vote(method, 0.85, f"in a table of {what}")
    if name in ("name", "nom", "nombre", "naam", "nome", "label"):
        if PEOPLE_TABLE.search(where):
            return Vote("full_name", 0.9, "the name in a table of people")
        if FIRMS_TABLE.search(where):
            return Vote("company", 0.85, "the name in a table of companies")
        if ADDRESS_TABLE.search(where):
            return Vote("full_name", 0.8, "the name in a table of addresses")
    if name == "uid" and PEOPLE_TABLE.search(where):
        return Vote("token", 0.6, "what somebody is called elsewhere")
    if name in ("first", "last", "middle") and PEOPLE_TABLE.search(where):
        return Vote("last_name" if name == "last" else "first_name", 0.85, "part of a name")
    return None


@cache
def _first_of(rules: int, name: str) -> Vote | None:
    for pattern, vote in (_TEXT_RULES, _NUMBER_RULES)[rules]:
        if pattern.search(name):
            return vote
    return None


def _first(rules: list[tuple[re.Pattern[str], Vote]], name: str) -> Vote | None:
    return _first_of(0 if rules is _TEXT_RULES else 1, name)


def takes(column: Column, method: str) -> bool:
    """Whether a column's type can hold what a method makes: words need a type for words. Pure."""
    return not (method in _MAKE_WORDS and column.base_type.removeprefix("_") in _NO_WORDS)
