"""Invented people: names, places, numbers and what they write.

Every name is put together from the lists below, every e-mail address is under a domain that can
never deliver, every phone number from a range that is kept free for films and books, every IP
address from a range for documentation.

Source: RFC 2606 and RFC 6761 (``example.*``, ``.test``); RFC 5737 (192.0.2.0/24, 198.51.100.0/24,
203.0.113.0/24). Phones: Ofcom (UK: 01632 960, 020 7946 0, 07700 900), NANPA (555-0100 to -0199),
Bundesnetzagentur (030 23125, 069 90009), ARCEP (01 99 00, 06 39 98), ACMA (02 5550), ComReg
(020 91).
"""

# ruff: noqa: E501, ISC004, RUF001
from __future__ import annotations

from dataclasses import dataclass

# Given names and family names by culture; the names are everyday ones, their pairing is chance.
NAMES: tuple[tuple[str, str], ...] = (
    ("Alice Amelia Arthur Beatrice Charlie Daisy Edith Edward Eleanor Florence Frederick George "
     "Grace Harriet Harry Ivy Jack Jasper Lily Matilda Oliver Oscar Poppy Rosie Theodore Violet",
     "Ashdown Barlow Birch Carter Clarke Cooper Dawson Ellis Fletcher Gibson Harper Hartley "
     "Holloway Hughes Kerr Langley Marsh Mercer Norris Palmer Reeve Shaw Thornton Walker Whitlock"),
    ("Aoife Caoimhe Cian Ciarán Conor Éabha Éanna Fionn Gráinne Liam Máire Niamh Oisín Orla Róisín "
     "Saoirse Seán Síofra Tadhg Úna",
     "Brennan Byrne Doyle Flanagan Kavanagh Keane MacCarthy Ní-Bhriain Nolan O'Brien O'Connor "
     "O'Donnell Ó-Súilleabháin Quinn Ryan Walsh"),
    ("Anja Björn Claudia Dörte Emil Friedrich Greta Günter Hanna Heike Jonas Jörg Jürgen Käthe Lena "
     "Lukas Maximilian Mia Sören Sophie Ute Wolfgang",
     "Bäcker Böhm Fischer Förster Groß Hoffmann Jäger Köhler König Krüger Lehmann Möller Müller "
     "Neumann Schäfer Schröder Schulz Voß Weiß Zimmermann"),
    ("Adèle Amélie André Benoît Camille Chloé Éloïse Émile Étienne Françoise François Gaël Hélène "
     "Inès Jérôme Léa Loïc Maëlle Noémie Renée Théo Zoé",
     "Bélanger Benoît Chevallier Delaunay Desprès Dubois Dupré Faucher Fontaine Garçon Girard "
     "Lefèvre Léger Marchand Moreau Pélissier Renaud Rousseau Vallée"),
    ("Álvaro Ángel Beatriz Carmen Diego Elena Íñigo Iván Javier José Lucía María Martín Mónica "
     "Nuria Pablo Raúl Rocío Sofía Tomás",
     "Álvarez Benítez Castaño Díaz Fernández Gómez González Hernández Ibáñez López Martínez Muñoz "
     "Núñez Ortega Peña Ramírez Rodríguez Sánchez Vázquez"),
    ("Åsa Astrid Bjørn Eir Frøya Gunnar Håkon Ingrid Jörgen Kåre Lærke Linnéa Märta Nils Øystein "
     "Rasmus Sigrid Søren Tove Ylva",
     "Ågren Åkesson Bergström Bjørnstad Dahl Engström Grønlund Håkansson Jørgensen Källström "
     "Lindqvist Møller Nygård Ødegård Sjöberg Sørensen Strøm Wikström"),
    ("Agnieszka Andrzej Bożena Dorota Grażyna Jakub Józef Kacper Katarzyna Łukasz Małgorzata "
     "Michał Paweł Sławomir Stanisław Wojciech Zofia Żaneta",
     "Błaszczyk Dąbrowski Gołębiewski Jabłoński Kamiński Kozłowski Krawczyk Łukaszewicz Maciejewski "
     "Nowak Pawłowski Sikorska Szymański Wiśniewska Woźniak Zając Żurek"),
    ("Ahmet Aylin Ayşe Barış Çağla Deniz Elif Emre Fatma Gökhan Gülşen İbrahim Kerem Melike Nazlı "
     "Oğuz Özge Selin Şule Yiğit",
     "Aydın Bozkurt Çelik Çetin Demir Doğan Erdoğdu Güneş Kaplan Karadağ Koç Kılıç Öztürk Polat "
     "Şahin Tekin Yıldırım Yılmaz"),
    ("Aditi Amara Anaya Arjun Chidi Divya Farah Hassan Imani Kofi Kwame Layla Meera Nadia Ngozi "
     "Omar Priya Rohan Samira Tariq Yusuf Zainab",
     "Abubakar Acheampong Adeyemi Ahmed Balogun Chaudhry Das Desai Eze Farouk Iyer Kaur Mensah "
     "Mwangi Nair Okafor Owusu Patel Rahman Sharma Siddiqui"),
    ("Akira Chiyo Daiki Hana Haruto Hye-jin Jia Ji-woo Kenji Li-na Mei Min-jun Naoko Rin Seo-yeon "
     "Takumi Wei Xiu Yuki Zihan",
     "Chen Fujimoto Hayashi Huang Inoue Jeong Kang Kim Kobayashi Lin Liu Matsuda Nakagawa Park "
     "Shimizu Tanaka Watanabe Wong Yamamoto Zhang"),
)  # fmt: skip


@dataclass(frozen=True)
class Country:
    """Where a customer may live."""

    name: str
    weight: int
    towns: tuple[tuple[str, str], ...]
    """Town and its postcode; ``#`` stands for a digit, ``@`` for a letter."""
    streets: tuple[str, ...]
    """``{}`` stands for the house number."""
    phones: tuple[str, ...]


COUNTRIES = (
    Country(
        "United Kingdom", 46,
        (("Bristol", "BS# #@@"), ("Leeds", "LS# #@@"), ("Manchester", "M## #@@"),
         ("Norwich", "NR# #@@"), ("Cardiff", "CF## #@@"), ("Edinburgh", "EH# #@@"),
         ("Falmouth", "TR11 #@@"), ("Whitby", "YO21 #@@"), ("London", "SE## #@@"),
         ("Newcastle upon Tyne", "NE# #@@"), ("Oban", "PA34 #@@"), ("St Ives", "TR26 #@@")),
        ("{} Harbour Street", "{} Chapel Lane", "{} Station Road", "{} Victoria Terrace",
         "{} Mill Hill", "Flat {}, Rope Walk", "{} Orchard Close", "{} High Street"),
        ("01632 960###", "+44 1632 960###", "020 7946 0###", "07700 900###", "+44 7700 900###"),
    ),
    Country(
        "Ireland", 8,
        (("Dublin", "D0# @#@#"), ("Cork", "T12 @#@#"), ("Galway", "H91 @#@#"),
         ("Kinsale", "P17 @#@#"), ("Sligo", "F91 @#@#")),
        ("{} Quay Road", "{} Bridge Street", "{} Strand Terrace", "{} Abbey Lane"),
        ("020 91# ####", "+353 20 91# ####"),
    ),
    Country(
        "Germany", 15,
        (("Berlin", "1####"), ("Hamburg", "2####"), ("Köln", "50###"), ("München", "80###"),
         ("Lübeck", "235##"), ("Tübingen", "720##"), ("Görlitz", "028##")),
        ("Lindenstraße {}", "Mühlenweg {}", "Am Hafen {}", "Schloßallee {}", "Töpfergasse {}"),
        ("030 23125 ###", "+49 30 23125###", "069 90009 ###", "+49 69 90009###"),
    ),
    Country(
        "France", 12,
        (("Paris", "750##"), ("Nîmes", "300##"), ("Besançon", "250##"), ("Saint-Étienne", "420##"),
         ("Concarneau", "29900"), ("Orléans", "450##")),
        ("{} rue de la Poterie", "{} quai des Pêcheurs", "{} avenue de la Gare", "{} rue du Château"),
        ("01 99 00 ## ##", "+33 1 99 00 ## ##", "06 39 98 ## ##", "+33 6 39 98 ## ##"),
    ),
    Country(
        "United States", 13,
        (("Portland, ME", "041##"), ("Asheville, NC", "288##"), ("Santa Fe, NM", "875##"),
         ("Seattle, WA", "981##"), ("Providence, RI", "029##"), ("Duluth, MN", "558##")),
        ("{} Maple Avenue", "{} Wharf Street", "{} Cedar Court", "{} 4th Street, Apt 2"),
        ("(207) 555-01##", "+1 828-555-01##", "206-555-01##", "+1 (505) 555-01##"),
    ),
    Country(
        "Australia", 6,
        (("Hobart", "70##"), ("Fremantle", "61##"), ("Byron Bay", "2481"), ("Melbourne", "30##")),
        ("{} Wattle Street", "{} Jetty Road", "{} Foreshore Drive"),
        ("(02) 5550 ####", "+61 2 5550 ####"),
    ),
)  # fmt: skip

DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "post.test", "inbox.test")
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
NOTES = (
    "Prefers the pots with more speckle.", "Ring before noon.", "Leave parcels with {neighbour}.",
    "Allergic to wool packing, use paper.", "Wedding list together with {neighbour}.",
    "Paid the last bill twice, owes us nothing.", "Speaks a little English, write in short sentences.",
    "Bought at the open studio.", "Asks for {given}, not for a title.",
)  # fmt: skip
GIFTS = (
    "Happy birthday, love from {given}", "For the new flat. {given}", "With thanks for the summer",
    "Do not drop this one! {given} and {neighbour}", "To Mum, who broke the last one",
)  # fmt: skip
LETTERS = (
    ("A chip in the {product}",
     "Hello,\n\nthe {product} arrived with a chip in the rim. The order was no. {order}. You can reach "
     "me on {phone} or at {email}.\n\nBest wishes\n{name}"),
    ("Where is order {order}?",
     "Dear all, my parcel should have come on Tuesday. It goes to {street}, {postcode} {city}. Please "
     "ring {phone}, I am at home until four.\n\n{name}"),
    ("Change of address",
     "Good morning, {name} here. We are moving to {city} next month, so please use {street} from now "
     "on. My e-mail stays {email}."),
    ("Is the {product} safe in the oven?",
     "My neighbour {neighbour} says it is not and I say it is. Who is right? Write to {email}, "
     "please, I seldom pick up the phone.\n\nThank you, {given}"),
    ("A present for {neighbour}",
     "Could you put a card into the parcel? It is for {neighbour}, and should say: from {given}, with "
     "love. If it does not fit, call me: {phone}."),
    ("Bill paid twice",
     "I have paid the bill for order {order} twice, once as {email} and once by hand. Please send one "
     "back.\n\nKind regards\n{name}\n{phone}"),
    ("Please delete my account",
     "Under the data protection law I ask you to delete everything that you hold on me, {name}, "
     "{email}, born {born}. Please confirm."),
    ("Visiting on Saturday",
     "We are four, {neighbour} comes too. Is there room for a van in Quay Lane? Text me on {phone} if "
     "not.\n{given}"),
)  # fmt: skip
KINDS = (
    "page.viewed",
    "basket.filled",
    "order.placed",
    "order.shipped",
    "mail.sent",
    "login.failed",
)
AGENTS = ("Firefox/145.0", "Safari/26.1", "Chrome/142.0", "Firefox/144.0 (Android)")
