// The words by which pages ask for a card's number, code or expiry date, in English, German, French, Spanish, Italian,
// Portuguese, Dutch, Polish, Czech, Swedish and Turkish, and those that look like them. names.js judges by them.
(() => {
  "use strict";

  // Patterns may go on in the next line.
  const either = (...patterns) => new RegExp(patterns.join("|").replace(/\n +/g, ""));

  // Parts of words of which every name below has one, so that all other texts cost no more than this search. A dot
  // covers a letter with an accent. No \b: "_" is a letter to it and a gap to `plain`, as is each capital letter.
  const STEMS = new RegExp(
    either(
      String.raw`card|kart|cart|kaart|kort|tarj|kredit|karci|(bank|betaal|pin)[\W_]*pas|pas[\W_]*[n#]
        |(uw|je|jouw|de)[\W_]*pas|visa|amex|maestro|diners|jcb|union[\W_]*pay|bancontact|cb
        |c[\W_]*c[\W_]*[nyc#]|kk[\W_]*[n#]|^[\W_]*pan[\W_]*$|long`,
      String.raw`primary|c[\W_]*v[\W_]*[vcnxd]|csc|ccv|cid|kpn|cav|cv[\W_]*(2|²|nu|va)|sec|cur|segur|sicher|veilig
        |bezp|kerhet`,
      String.raw`venlik|ochran|pr.{1,2}f|prue|crypt|cript|critt|c[oó]d|k[oó]d|v.rif|v.lid|val.ble
        |ontr|v.{1,2}ovac|weryf|compro|onfirmac|(check|test)[\W_]*[ncdz#]`,
      String.raw`rulama|hodnota|signature|back|reverse|rear|ckseit|dos|verso|reverso|dorso|retro|achter|odwro
        |zadn|arka|baks`,
      String.raw`rewers|exp|exsp|ex[\W_]*date|scad|caduc|venc|vto|vigen|ltig|abla|verf|uft|verval|verloop|geldig
        |wa.{1,2}n|wygas|platn|vypr|utg`,
      String.raw`giltig|ller|rfall|kullan|erlilik|s[\W_]*k[\W_]*t|mm|aa|month|year|good|g.{1,2}r[\W_]*ut
        |plat.[\W_]*do`,
      String.raw`1[56]|sixteen|sechzehn|seize|diecis|sedici|dezes|dezas|zestien|szesna|sestn|sexton|cijfer
        |on[\W_]*alt|hinten|arri.{1,2}re|tr.{1,2}s|posterior|trasera|tyl[un]|rubu|zezadu`,
      String.raw`monat|mois|maand|miesi|m.{1,2}nad|me[sš]i|(m[eê]se?|ay)[\W_]*[yjar]`,
    ),
    "i",
  );
  // Beyond the letters of Western Europe, not worth telling apart; and controls, which may stand in a word unseen.
  const OTHER_LETTERS = /[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u0100-\uffff]/;
  const SAMPLE_AT_ALL = /[\dx*#_.·-](?:[\s/|,]{0,3}[\dx*#_.·-]){11}/i;

  const speaksOfCards = (text) => STEMS.test(text) || OTHER_LETTERS.test(text) || SAMPLE_AT_ALL.test(text);

  // Letters that no decomposition takes apart.
  const LETTERS = {
    ...{ß: "ss", ł: "l", Ł: "L", ø: "o", Ø: "O", đ: "d", Đ: "D", ı: "i"},
    ...{æ: "ae", Æ: "AE", œ: "oe", Œ: "OE"},
  };
  const ASCII = /^[\x20-\x7e\t\n\v\f\r]*$/;
  // As agent/core/matching/text.py has it.
  const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?!\p{White_Space})\p{Cc}/gu;

  // "cardNumber", "card_number", "Card #" and "Numéro de carte" are words of one kind to the patterns below: lower
  // case ASCII, numbers apart, one space between two. What is invisible (a soft hyphen) splits no word.
  const plain = (text) =>
    (ASCII.test(text) ? text : withoutAccents(text))
      .replace(/([a-z])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])|([A-Za-z])(?=\d)|(\d)(?=[A-Za-z])/g, "$& ")
      .replace(/#/g, " nr ")
      .replace(/[^A-Za-z0-9]+/g, " ")
      .trim()
      .toLowerCase();

  const withoutAccents = (text) =>
    text
      .replace(INVISIBLE, "")
      .replace(/\bn ?\.? ?[º°]/gi, " nr ")
      .normalize("NFKD")
      .replace(/[\u0300-\u036f]/g, "")
      .replace(/[ßłŁøØđĐıæÆœŒ]/g, (letter) => LETTERS[letter]);

  // Cards that pay, to tell them from the others.
  const PAYING = either(
    String.raw`\b(credit|debit|bank|payment|pay|charge|visa|master|amex|american express|maestro|diners
      |giro) ?card\b|\bcredit ?card`,
    String.raw`\b(kredit|debit|bank|zahlungs|giro|ec) ?karten?`,
    String.raw`\bcartes? (bancaires?|de credit|de debit|de paiement|bleue)\b|\bcb\b`,
    String.raw`\btarjetas? (de )?(credito|debito|bancaria)\b|\bcarta (di )?(credito|debito)\b
      |\bcartao (de )?(credito|debito)\b`,
    String.raw`\b(credit|krediet|bank|betaal|debet) ?(kaart|card)`,
    String.raw`\bkart[aey] (kredytow|platnicz|debetow|bankow)\w+|\b(kreditni|platebni|debetni|bankovni) kart`,
    String.raw`\b(kredit|betal|bank|konto|debet) ?kort|\b(kredi|banka) ?karti`,
    String.raw`\b(bank|betaal|pin) ?pas(sen)?\b`,
  );

  // A card in Swedish; "short" (in Dutch, too) before a time or a text.
  const KORT = String.raw`\bkort\b(?! (utgang|giltighets|hallbar|bast|datum|houdba|verval|info|beskr|omschr
      |te[kx]st))`;

  // A card in all forms of the word, and what makes it one that pays when a group of fields speaks of both.
  const ANY_CARD = either(
    String.raw`\b(cards?|karten?|cartes?|tarjetas?|carta|cartao|kaart(en)?|kart(a|y|e|u|ou|om)?|kortet|kartla|kartiyla
      |kart(in|iniz\w*|i)?)\b`,
    KORT,
  );
  const PAYS = either(
    String.raw`\b(pay|pays|payment|paying|zahl\w*|bezahl\w*|kartenzahl\w*|paiement|payer|payez|regle\w*|pago|pagar
      |pague|paga|pagamento|betaal|betal\w*|kaartbetal\w*|kortbetal\w*|afreken\w*|platnosc\w*|zapla[ct]\w*|placen\w*
      |placisz|platb\w*|odeme\w*|ode|odeyin)\b`,
  );
  const DETAILS = either(
    String.raw`\b(details?|data|daten|kartendaten|kartenangaben|infos?|information\w*|informati\w*|informac\w+
      |kaartinformatie|kaartgegevens|gegevens|kort(uppgifter|information)|uppgifter|bilgi\w*|datos|detalles|dati
      |dettagli|dados|dane|udaje|donnees|coordonnees)\b`,
  );
  const CARD_MATTERS = /\b(karten|kaart|kort)(zahlung|daten|angabe|informati|betaling|gegevens|betalning|uppgift)/;
  const CARD_ALONE = either(
    String.raw`^((your|my|ihre|deine|votre|ma|tu|su|mi|tua|sua|mia|seu|o|la|uw|je|jouw|twoja|vase|ditt) )?(card|karte
      |carte|tarjeta|carta|cartao|kaart|karta|kort|kart)( required)?$`,
  );
  // Whether a group of fields, or what else stands at one, is about a paying card.
  const isOfPayingCard = (text) =>
    PAYING.test(text) ||
    CARD_ALONE.test(text) ||
    CARD_MATTERS.test(text) ||
    ((PAYS.test(text) || DETAILS.test(text)) && ANY_CARD.test(text) && ANY_CARD.test(text.replace(OTHER_CARDS, " ")));

  // Any mention of a card: what makes an expiry date that of one, and a check number a card's.
  const CARD = either(
    PAYING.source,
    String.raw`\b(cc|card|karten?|carte|tarjeta|carta|cartao|kaart|kart([aeyu]|ou)|kortets?|kart(i|in|inin|iniz
      |inizin|la)?)\b`,
    KORT,
    String.raw`\bcard(exp|number|cv)`,
  );

  const NUMBER = either(
    // English. Before a glued "cardnumber" only what forms put there: "discardnumber" is none.
    String.raw`\b((txt|tb|input|my|the|new|user|pay|payment|billing|credit|debit|bank|cc|enc|encrypted|master
      |visa) ?)?card (?:ac(?:coun|c)t )?(number|numbers|no|nr|num|nbr|pan)\b`,
    String.raw`\b(txt|tb|input|my|new|user|pay|payment|billing|credit ?|debit|bank|cc|c|enc
      |encrypted)?card(number|no|num|nr)\b`,
    String.raw`\bcard account\b|(?<!(phone|telephone|account|order|policy) )\bnumber (on|of) (the )?(front of )?` +
      String.raw`(the |your |my )?((credit|debit|bank) )?card\b(?! (statement|bill|\w{3,}s\b))`,
    String.raw`\blong (card )?number\b|\bc ?c ?(number|num|no|nr)\b|\bccn\b|\bprimary account number\b
      |\b1[56] digit card\b`,
    String.raw`\b(visa|master ?card|amex|american express)\b( \w+){0,3} (number|no|nr|nummer)\b`,
    String.raw`\b(maestro|diners( club)?|jcb|union ?pay|bancontact)( \w+)? (number|no|nr|nummer|numero|numer|cislo
      |numara\w*)\b|\b(number|nummer|numero|numer|cislo) (de |di |da |do |van )?(la )?(maestro|master ?card|amex
      |diners|jcb|bancontact)\b`,
    // Its digits
    String.raw`(?<!\b(last|first|of|few|many) (\w+ )?)\bcard ?digits\b
      |(?<!\b(last|first|\d|three|four|six) )\bdigits (of|on) (the |your |my )?((credit|debit|bank) )?card\b`,
    String.raw`\b(kredit|bank|debit)?karten ?ziffern\b|\bziffern (auf )?(der|ihrer|deiner) (kredit|bank|debit)?karte\b
      |\b(kort|kortets|kredit ?kort) ?siffror(na)?\b|\bkart(in)? (rakamlari|haneleri)\b`,
    String.raw`(?<!\b(derniers|ultimos|ultime|laatste|ostatnie|posledni|\d|trois|tres|tre|drie|trzy|tri|quatre|cuatro
      |quattro|vier|cztery|ctyri) )\b((chiffres (de|sur) (la |votre )?carte|digitos de (la |su |tu )?tarjeta
      |cifre (della|sulla) (sua |tua )?carta|cijfers (van|op) (de |uw |je )?(bank|betaal|credit ?)?(kaart|pas|card))
      |(cyfry|numery|cislice) (platebni |z )?karty)\b`,
    // German
    String.raw`\b(kredit|bank|debit|ec|giro|zahlungs)? ?(card|karten?) ?(nummer|nummern|nr|no)\b`,
    String.raw`\b(nummer|nr) (auf )?(der |ihrer |deiner )?(kredit|bank|debit|ec|giro|zahlungs)?karte\b
      |\bkarte nummer\b`,
    // French, Spanish, Italian, Portuguese
    String.raw`\b(numero|num|nr|no|n) ?(de |du |sur )?(la |sa |ma |votre )?(carte|cb)\b`,
    String.raw`\b(numero|num|nr|no|nro|n) ?(de |en )?(la |su |tu |mi )?tarj(eta)?\b|\btarjeta (no|nro|num|numero)\b`,
    String.raw`\b(numero|num|nr|no|n) ?(di |della |sulla )?(sua |tua |mia |vostra )?carta\b`,
    String.raw`\b(carte|carta|cartao|kaart|kart[aey]|kort|kort(et)?s) (numero|nr|num|nro|nummer|numer|cislo)\b
      |\bcart(e|a|ao) n$|\bkarta c$`,
    String.raw`\b(numero|num|nro|nr|n|digitos) ?(de |do |no )?(seu |teu )?cartao\b|\bno d[eo] (seu |teu )?cartao\b`,
    // Dutch
    String.raw`\b(credit|krediet|crediet|bank|betaal|debet)? ?(kaart|card) ?(nummer|nr|no)\b`,
    String.raw`\bnummer (van|op) (uw |je |jouw |de )?(credit ?card|(bank|betaal|krediet|debet)?kaart)\b
      |\b(bank|betaal|pin)pas ?(nummer|nr)\b`,
    // Polish, Czech
    String.raw`\b(numer|nr|numeru) ?(twojej |swojej |panstwa |na )?kart(y|cie)\b`,
    String.raw`\b(cislo|cisla|c) ?(vasi |vas[ei] |sve |z )?((platebni|kreditni|debetni|bankovni) ?)*karty\b
      |\bcislo kreditky\b`,
    // Swedish, Turkish
    String.raw`\b(kredit|betal|bank|konto|debet)?(kort|korts|kortets) ?(nummer|numret|nr)\b`,
    String.raw`\b(kredi |banka |debit )?kart(i|in|inin|iniz|inizin|inizdaki)? ?(numara\w*|no|nosu|nu)\b`,
    String.raw`\bkart(in\w*)? uzerindeki (\w+ ){0,3}numara`,
    // A number, and words that may stand before the card that it is of
    String.raw`(?<!\b(phone|telephone|account|order|policy|serial|reference|customer|member|id|issue
      |support) )\b(number
      |nummer|numret|numero|numer|numeru|cislo|nr|nro) ` +
      String.raw`((on|of|from|the|your|my|this|figurant|inscrit|auf|aus|der|des|ihrer|deiner|einer|von|de|du|sur|la
      |sa|ma|votre|une|en
      |el|su|tu|mi|di|della|sulla|sua|tua|mia|do|no|seu|teu|van|op|uw|je|jouw|een|na|twojej|swojej|panstwa|vasi|vase
      |sve
      |pa|ditt|mitt|av|credit|debit|bank|payment|kredit|krediet|giro|ec|zahlungs|or|of|oder|ou|o|lub|nebo|eller|y|e|et
      |und|and|visa|platebni|kreditni|debetni|platniczej|kredytowej|debetowej) ){1,7}` +
      String.raw`((credit ?|debit|bank)?card|(kredit|debit|bank|giro)?karte|carte|tarjeta|cartao|(credit|krediet|bank
      |betaal)?kaart|(bank|betaal|pin)pas|kart[ye]|karcie|(kredit|bank|betal|konto)?kort(et)?)\b(?! (statement|bill
      |\w{3,}s\b))`,
    `(${PAYING.source})[a-z]* (number|no|nr|nummer|numero|numer|cislo|numara\\w*)\\b`,
    // The same without a word between
    String.raw`(?<!\b(phone|telephone|account|order|policy|serial|reference|customer|member|id|issue|support) )` +
      String.raw`\b(number|nummer|numret|nr|numero|numer|cislo|numara) ((credit|debit|bank|payment) ?card
      |(kredit|debit|bank|giro) ?karte|carte (bancaire|de credit|bleue)|carta di (credito|debito)
      |cartao de (credito|debito)|(credit|krediet|bank|betaal|debet) ?kaart|(bank|betaal|pin) ?pas
      |(kredit|betal|bank|konto) ?kort|(kredi|banka) karti)\b(?! (statement|bill|reader|terminal|machine
      |company|\w{3,}s\b))`,
  );

  // Abbreviations of a card's number that are of something else beside these: the Dutch pass, the German "KK".
  const SHORT_NUMBER = either(
    String.raw`\bpas ?(nummer|nr)\b|\bnummer (van|op) (de |uw |je |jouw )?pas\b|\bkk ?(nummer|nr|no)\b`,
  );
  const OTHER_SHORT = either(
    String.raw`pas+po?ort|passport|\b(reis\w*|rejse\w*|identi\w*|id|visum|nationali\w*|biblio\w*|bieb|museum\w*|stads\w*
      |klant\w*|leden|lid\w*|sport\w*|ski\w*|zwem\w*|toegang\w*|medewerker\w*|personeel\w*|student\w*|docent\w*
      |abonnement\w*|ov|kranken\w*|versicher\w*|kasse\w*|patient\w*|praxis|arzt\w*|gesundheit\w*)\b`,
  );

  // Names of a card and no more: what a field is called, not what something says of cards.
  const BARE_CARD = either(
    String.raw`^((enter|add|insert|input|type|txt|please|new|your|my|the|a|votre|ma|la|une|su|tu|mi|ingrese|introduzca
      |inserisci|tua|sua|seu|o|digite|ihre|deine|bitte|uw|je|jouw|twoja|vase|ditt|ange) ){0,3}(` +
      String.raw`(credit|debit|bank|payment|maestro|visa|master|amex)( ?card)?( or| and)?( (credit|debit|bank))? ?card
      |card (details
      |information)
      |(kredit|debit|bank) ?karte|carte (bancaire|de credit|bleue)|cb
      |tarjeta (de )?(credito|debito)( o (de )?(debito|credito))?|carta (di )?credito
      |cartao (de )?(credito|debito)|credit ?kaart|karta (kredytowa|platnicza)
      |(kreditni|platebni) karta|(kredit|betal|bank)kort|(kredi|banka) karti)` +
      String.raw`( required| optional| details?| info| information| data| daten| field| input| box| text| visa
      | master ?card| amex| american express| maestro| or| and| o| y| e| et| ou| und| oder)*$`,
  );

  // The same by an abbreviation that is a word elsewhere ("pan", "Pan Kowalski"): alone, and as it is written.
  const PAN = /^\W*PAN\W*$/;
  const PAN_OF_CARD = /\bPAN\b\s*[/(|,:–—-]+\s*(credit |debit |bank |payment )?card\b/i; // "PAN card" is India's
  const INDIAN_PAN = /\b(permanent account|income tax|aadha+r|kyc|gst(in)?)\b|^[a-z]{5} \d{4} [a-z]$/;

  const BARE = /n(um|umm|r|o|[úº°.])|c[oó]d|k[oó]d|[cč][ií]slo|#|\d/i; // costs less

  const BARE_NUMBER = either(
    String.raw`^(number|no|nr|nro|num|nummer|numret|numero|numer|cislo|numara|numarasi|numaraniz)( required| optional
      |( \w+)? 1[0-9]( \w+)?)?$`,
  );
  const BARE_TIME = either(
    String.raw`^(month|monat|mois|mes|mese|maand|miesiac|mesic|manad|ay|year|jahr|annee|ano|anno|jaar|rok|ar|yil)$`,
  );
  const BARE_CODE = /^(code|kod|kode|kodu|codigo|codice|cod)( required| optional)?$/;

  // A code that says no more than how many digits it has. Those that are sent have four and more, most have six.
  const THREE_DIGITS = String.raw`3|three|drei(stellig\w*)?|trois|tres|tre(siffrig\w*)?|drie(cijferig\w*)?
    |trzy|trzech|trzycyfrow\w*|tri(mistn\w*)?|trojmistn\w*|uc`;
  const FOUR_DIGITS = String.raw`4|four|vier(stellig\w*|cijferig\w*)?|quatre|cuatro|quattro|quatro|cztery|czterech
    |czterocyfrow\w*|ctyri|ctyrmistn\w*|fyra|fyrsiffrig\w*|dort`;
  const CODE_WORD = "codes?|kod|kode[rx]?|kodu|koden|codigo|codice|cod|cijfercode|zifferncode";
  const DIGIT_WORD = String.raw`digits?|ziffern?|stell(ig\w*|en)?|chiffres?|cifras?|digitos?|cifre|cijfer\w*|cyfr\w*
    |cislic\w*|mistn\w*|siffr\w*|haneli|hane|rakam\w*`;
  const NUMBER_WORD = "number|no|nummer|nr|numero|numer|zahl|getal|cislo|numara";
  const BESIDE_THEM = String.raw`enter|please|required|optional|the|your|last|or|to|of|with|a|an|oder|mit|der|die|den
    |letzten?|bitte|ou|les|le|derniers|o|os|los|las|de|del|con|ultimos|di|da|il|con|ultime|com|of|van|met|laatste|z|ze
    |se|lub|nebo|zlozony|ostatnie|posledni|med|eller|sista|veya|son`;
  const onlyOf = (words, ...needed) =>
    either(`^${needed.map((one) => String.raw`(?=(.* )?(${one})( |$))`).join("")}((${words})( |$))+$`);
  const FEW_WORDS = [THREE_DIGITS, FOUR_DIGITS, CODE_WORD, DIGIT_WORD, NUMBER_WORD, BESIDE_THEM].join("|");
  const THREE_DIGIT_CODE = onlyOf(FEW_WORDS, THREE_DIGITS, `${CODE_WORD}|${DIGIT_WORD}`);
  const NAMED_CODE = new RegExp(String.raw`\b(${CODE_WORD})\b`);
  const FOUR_DIGIT_CODE = onlyOf(FEW_WORDS, FOUR_DIGITS, CODE_WORD, DIGIT_WORD);

  // Four groups of four as an example of what goes in, or dots or dashes in their place, with any gap between.
  const SAMPLE = new RegExp(
    String.raw`^[^\wº•·∙․‧●○◦⚫∗✱＊□▢◻.–—-]*(e ?\.? ?g\.?|ex\.?|z\. ?b\.|p\. ?ej\.|bv\.|np\.)?:? ?(` +
      String.raw`[\dx*•·_#-]{4}([\s/|.,–—-]{0,3}[\dx*•·_#]{4}){3}(\s{0,3}[\dx*•·_#]{1,3})?` +
      String.raw`|([x*•]{4} [x*•]{6} [x*•]{5}|3[47]\d\d \d{6} \d{5})|[\dx*•_-](\s{1,3}[\dx*•_-]){15}` +
      String.raw`|[-–—.·•∙․‧●○◦⚫∗✱＊□▢◻*_]{4}(\s{1,3}[-–—.·•∙․‧●○◦⚫∗✱＊□▢◻*_\dx#]{4}){3}(\s{1,3}\S{1,3})?)\W*$`,
    "iu",
  );

  // A card's code, by names that nothing else has.
  const CODE = either(
    String.raw`cvv|\bc v [vc]\b|cvc(code|number|num|no)?\b|\b(cvn|ccv|cvx|csc)\b|\b(cv|cav|cvd|cid) 2\b|\b(cvd
      |cv) (code|value|number)\b`,
    String.raw`\b(card|cc) ?(cid|csc|cvd|code|cod)\b|\bcard ?(security|verification|validation|identification
      |authentication|(check|control) ?(number|code|digits?|value|no|nr))\b`,
    String.raw`\b(security|verification|validation) (code|number|no|digits?)( \w+){0,3} card\b
      |\bverification ?value\b`,
    String.raw`\b(code|digits) (\w+ ){0,3}(back|rear|reverse) of (the |your )?card\b|\bcc sec(urity)? code\b`,
    String.raw`\bsignature panel|\bpayment (security|verification) code\b|\b[34] digit (cvv|cvc|security|card)`,
    String.raw`\b(kredit)?karten? ?(pruf|pruef|sicherheits|validier|verifi|kontroll|code)\w*|\bcryptogramme\b
      |\bcriptograma\b|\bcrittogramma\b`,
    String.raw`\bcod(e|igo|ice)? (?!postal|promo)(\w+ ){0,3}(carte|tarjeta|carta|cartao)\b`,
    String.raw`\bnumero (\w+ )?verifica\w* (\w+ )?(carte|tarjeta|carta|cartao)\b`,
    String.raw`\bkaart ?(code|verificatie\w*|controle\w*|veiligheids\w*|beveiligings\w*)\b|\b(kod
      |numer kontrolny) (\w+ )?karty\b`,
    String.raw`\bkort(ets)? ?(kod|cvc|(sakerhets|verifi\w*|kontroll|validerings) ?(kod|nummer|siffr)\w*)\b`,
    String.raw`\bkart(in|i|iniz\w*)? ?(guvenlik|kodu|dogrulama|kontrol (kod|numara|no))`,
  );

  // Among these, what no group of fields makes that of another card.
  const NO_OTHER_CODE = /cvv|cvc\b|\bcryptogramme\b|\bcriptograma\b|\bcrittogramma\b/;

  // The same by abbreviations that are something else elsewhere: as they are written, with no more than their length.
  const ABBREVIATED = /^\W*(CID|KPN|CVD|CAV)\W*([Cc]ode|[Nn]umber|[Nn]o|[Nn]ummer|[Nn]r)?\W*(\d[^A-Z]*)?\W*$/;

  // The digits of a code and of a number, by how many they are and where they are on the card.
  const THREE = either(
    String.raw`\b(3|three|drei\w*|trois|tres|tre|tresiffrig\w*|drie\w*|trzy|trzech|trzycyfrow\w*|tri|tri?mistn\w*
      |trojmistn\w*|uc)\b`,
  );
  const SIXTEEN = either(
    String.raw`\b(1[56]|sixteen|sechzehn\w*|seize|dieciseis|sedici|dezesseis|dezasseis|zestien\w*|szesnast\w*
      |sestnact\w*|sexton\w*|on alti)\b`,
  );
  const DIGITS = either(
    String.raw`\b(digits?|numbers?|code|ziffern?|\w*stellig\w*|chiffres?|cifras?|digitos?|cifre|\w*cijfer\w*)\b`,
    String.raw`\b(\w*cyfr\w*|cislic\w*|\w*mistn\w*|\w*siffr\w*|hane\w*|rakam\w*|kod\w*)\b`,
  );
  const BEHIND = either(
    String.raw`\b(back|reverse|rear|hinten|ruckseitig\w*|ruckseite|rueckseite|dos|verso|arriere|reverso|dorso|atras
      |posterior\w*|trasera|retro|tras|achterkant|achterzijde|achterop|achteraan)\b`,
    String.raw`\b(odwroci[eu]|zadni|rubu|zezadu|tylu|tylnej|baksida\w*|arka\w*|rewers\w*)\b`,
  );
  const FRONT = either(
    String.raw`\b(front|vorderseite|vorne|recto|devant|face avant|anverso|frente|delante\w*|fronte|davanti|voorkant
      |voorzijde|voorop|przod\w*|przedni\w*|awers\w*|predni\w*|framsida\w*|on yuz\w*)\b`,
  );
  const LONG = /\b(long|lange[rns]?|larg[oa]|lung[oa]|longo|dlug\w*|dlouh\w*|langa|uzun)\b/;
  const A_NUMBER = /\b(number|\w*nummer|numret|numero|numer|cislo|numara\w*)\b/;
  const OTHER_NUMBER = either(
    String.raw`\b(track\w*|sendung\w*|referen\w*|accounts?|konto\w*|compte|cuenta|conto|conta|rekening\w*|order|pedido
      |commande|meter|zahler\w*|policy|phone|imei|serial|serie\w*|pin|code|kod\w*|codigo|codice|voucher|gutschein\w*
      |fiscal\w*|tax|steuer\w*|identif\w*|id|transa\w*|invoice|licen\w*|key|member\w*|customer|kunden\w*)\b`,
  );

  // Names that a card's code has in common with others, which SENT, ELSEWHERE and OTHER_CARD tell apart.
  const CODE_OR_NOT = either(
    String.raw`(?<!\bsocial )\bsecurity ?(code|number|no|digits?|value)\b|\bsec code\b
      |\bcode (de |du )?(securite(?! soc)|verification)\b|\bnumero de securite\b(?! soc)`,
    String.raw`\bpr(u|ue)f ?(nummer|ziffern?|code|nr|zahl|wert)\b|\bsicherheits ?(code|kode|nummer|nr|ziffern?)\b`,
    String.raw`\bcod(igo|ice)? (de |di |do |da )?(la )?(seguridad|sicurezza|seguranca)\b(?! soc)|\b(numero|digitos
      |clave) (de|di) (seguridad|sicurezza|seguranca)\b(?! soc)`,
    String.raw`\b(beveiligings|veiligheids) ?(code|nummer|cijfers?)\b|\bkod (bezpieczenstwa|bezp|zabezpiecz\w+)\b`,
    String.raw`\b(bezpecnostni|ochranny|zabezpecovaci) (kod|cislo)\b|\bsakerhets(kod|nummer|siffr)\w*
      |\bguvenlik (kod|numara|no|rakam)\w*`,
  );

  // Names that it shares with what is sent to a phone: a card's only where a card is spoken of.
  const CHECK = either(
    String.raw`\b(verification|validation|check|control|test) ?(code|number|no|digits?)\b|\b(kontroll?|test
      |validierungs|verifizierungs) ?(nummer|ziffern?|code|zahl|nr)\b`,
    String.raw`\bcode (de )?(controle|validation|verif)\b|\b(numero|chiffres?) de (controle|verification
      |validation)\b`,
    String.raw`\b(codigo|numero|digitos?|clave) (de )?(verificac\w+|validac\w+|verificador\w*|comprobacion|control
      |controlo?e?|confirmac\w+)\b`,
    String.raw`\b(codice|numero|cifr[ae]) (di )?(verifica|controllo|convalida)\b`,
    String.raw`\b(controle|verificatie|validatie) ?(code|nummer|nr|cijfers?|getal)\b
      |\b(kod|numer|cyfr\w*) (weryfikacyjn\w+|kontroln\w+)\b`,
    String.raw`\b(overovaci|kontrolni|verifikacni) (kod|cislo|hodnota|cislice)\b|\b(verifi(erings|kations)
      |kontroll) ?(kod|nummer|siffr\w*)\b`,
    String.raw`\b(dogrulama|kontrol) (kod|numara|rakam)\w*`,
  );

  const EXPIRY = either(
    String.raw`\b(cc|card|creditcard)?exp(iry|iration|ire[sd]?|ir|r)?(date|month|year|mm|yy|dt)?\b|\bex (month
      |year|date)\b|\b(valid|good) (thru|through|until|till|to)\b`,
    String.raw`\b(cc|card|credit ?card) ?(month|year|mm|yy)\b|\bmm ?(yy|jj|aa|rr)(yy|jj|aa|rr)?\b|\baa ?yy(yy)?\b`,
    String.raw`\bgu?e?ltig( bis|keit\w*)|\b(ablauf|verfalls?) ?(datum|monat|jahr|tag)?\b|\b(lauft|laeuft) ab\b`,
    String.raw`\bexpire\b|\bdate (d )?exp\w*|\bvalidite\b|\bval(able|ide) jusqu\b`,
    String.raw`\bcaduc\w+|\bvencimiento\b|\bexpira(cion|cao)?\b|\bvenc\b|\bvto\b|\bvalid[ao] (hasta|ate|fino)\b
      |\bvence\b|\bvalidez\b|\bvigencia\b`,
    String.raw`\bscadenza\b|\bscade?\b|\bvalid(ade|ita)\b|\bvencimento\b`,
    String.raw`\bver(val|loop)(datum|dag)\b|\bgeldig (tot|t m)\b|\bgeldigheid\w*|\bver(loop|val)t\b|\bwazn(a|e|y
      |osci|osc)\b|\bwygas\w+`,
    String.raw`\bplatnost\w*|\bplat(n[aey]|i) do\b|\bvyprs\w+|\bexs?pirace\b|\butgang\w*|\bgiltig\w*|\bgaller (till
      |t o m)\b`,
    String.raw`\bforfallodatum\b|\b(gar ut|utgar)\b|\bson kullan\w+|\bgecerlilik\b|\bs ?k ?t\b`,
    String.raw`\b(month|monat|mois|mes|mese|maand|miesiac|mesic|manad|ay) (year|jahr|annee|ano|anno|jaar|rok|ar
      |yil)\b`,
  );
  // What is not kept long or comes in lots: its date is no card's, though it be "kort" (short).
  const PERISHABLE = either(
    String.raw`\b(bast fore|houdbaar\w*|\w*haltbar\w*|best before|use by|sell by|peremption|consommer|consum\w+
      |spozyci\w*|przydatno\w*|trvanlivost\w*|tuketim\w*|livsmedel\w*|food|lebensmittel\w*|aliment\w*|potravin\w*
      |varor|product\w*|produkt\w*|produit\w*|prodott\w*|produto\w*|urun\w*|batch|charge|lot|lote|lotto|sarze)\b`,
  );

  // Cards that are for something else than paying. As phrases: a member, a patient or a student pays by card, too.
  const OTHER_CARD = either(
    String.raw`\b(gift|loyalty|rewards?|bonus|fidelity|stamp|punch|savings|discount|points|privilege|vip
      |member(ship)?|club|customer|client|fan|golf|gym|library|reader|borrower|student|school|campus|teacher|alumni
      |youth|isic|photo|nectar|advantage|blue|job|work|stock|kanban|copy|seniors?|pension|veterans?|concession
      |insurance|insured|medicare|medicaid|medical|health|nhs|hospital|clinic|patient|vaccination|immunization|donor
      |pharmacy|prescription|identity|id|national|citizen(ship)?|residen(t|ce)|registration|permit|green
      |social security|voter|ration|tax|time|access|key|door|entry|room|smart|swipe|proximity|rfid|nfc|sim|phone
      |calling|video|memory|sound|graphics|network|wifi|line|flash|sd|expansion|warranty) ?card`,
    String.raw`\b(staff|employee|visitor|guest|union|press|business|report|post|greeting|christmas|birthday|index
      |note|score|menu|recipe|travel|bus|rail|metro|train|oyster|transit|season|parking|boarding|flyer|miles|vehicle
      |circulation|licen[cs]e|driver|drivers|tachograph|fuel|petrol|diesel|fleet|trading|playing|collectors?
      |collectible|collecting|player|football|baseball|sports|game|gaming|pokemon|magic|tarot|bingo|yu ?gi ?oh|flash
      |race|pan) ?card`,
    String.raw`\bsim\b|\biccid\b|\baadha+r\b|\bkyc\b|\btessera\b|ausweis`,
    String.raw`\b(geschenk|gutschein|kunden|bonus|treue|rabatt|vorteil|punkte|payback|stempel|sammel|tausch|trading
      |fan|stamm|klub|club|mitglied|versicher|kranken|patienten|gesundheit|impf|spender|biblio|bucherei|leser|schul
      |studenten|studierenden|lehrer|spiel|eintritt|visiten|gruss|speise|zugang|zutritts?|zeiterfassungs?|schlussel|garantie|steuer|lohnsteuer
      |kartei|stamm|lager|ehrenamts|familien|menu|getranke|wein|mitarbeiter|personal|identi|burger|gaste|zulassung
      |monats|jahres|dauer|saison|parkaus|grune|aufenthalt|grafik|netzwerk|sound|speicher|telefon|sim)\w* ?karten?
      |\b(id|post|gast|kur|zeit|fahr|fahrer|fahrzeug|bord|park|tank|video|land) ?karte|\bbahn ?card`,
    String.raw`\b(carte|tarjeta|carta|cartao)( (?!cart|tarj)\w+){0,2} (fidelite|cadeau|avantages?|reduction|points
      |adherent|membre|club|identite|nationale|electeur|electorale|vitale|assurance|mutuelle|sante|verte|grise
      |circulation|immatriculation|conducteur|sejour|resident|visite|postale|menu|scolaire|etudiante?|eleve|jeune
      |lecteur|bibliotheque|mediatheque|navigo|transport|abonne|abonnement|embarquement|stationnement|parking
      |carburant|garantie|famille|consulaire|acces|presse|collect\w+|jouer|jeux?|pokemon|graphique|memoire|reseau
      |vaccination|donneur)\b`,
    String.raw`\b(tarjeta|carta|cartao)( (?!cart|tarj)\w+){0,2} (regalo|fidelidad|fidelizacion|lealtad|descuento
      |puntos|club|sanitaria|salud|(?<=del? )seguro|asegurad[oa]|soci[oa]|miembro|afiliad[oa]|residencia|residente
      |extranjero|embarque|visita|presentacion|estudiante|estudiantil|universitaria|alumno|identidad|ciudadan[ia]\w*
      |transporte|metro|biblioteca|lector|circulacion|vehic\w+|propiedad|verde|combustible|gasolina|acceso
      |estacionamiento|empleado|profesional|militar|madre|video|garantia|itv|colecci\w+|juego|pokemon|grafica|memoria
      |sonido|red|vacuna\w*|joven|(?<!codigo )postal|sim)\b`,
    String.raw`\bnumero de carta\b(?! de)|\b(carte|tarjeta|carta|cartao)( (de|di|d))? (clients?|clientes?|clienti|patient|pacientes?|pazienti?
      |assure)\b`,
    String.raw`\b(carta|carte)( (?!cart|tarj)\w+){0,2} (fedelta|regalo|sconto|punti|soci[oa]?|club|identita|soggiorno
      |circolazione|verde|imbarco|studente|universitaria|docente|biblioteca|lettore|assicura\w+|giovani|accesso
      |parcheggio|trasporti|dipendente|carburante|gioco|giochi|collezion\w+|servizi|tachigrafic\w+|garanzia|pokemon
      |grafica|memoria|geografica|conducente|vaccin\w+|sim)\b`,
    String.raw`\b(cartao|carta)( (?!cart|tarj)\w+){0,2} (presente|oferta|fidelidade|desconto|pontos|vantagens|clube
      |soci[oa]|membro|sus|cidadao|conducao|motorista|habilitacao|circulacao|verde|estudante|estudantil|aluno|saude
      |utente|convenio|ponto|jovem|cnpj|garantia|(?<=d[eo] )seguro|residencia|funcionario|acesso|estacionamento
      |transporte|onibus|combustivel|abastecimento|biblioteca|leitor|colec\w+|jogo|pokemon|grafic[ao]|memoria
      |vacina\w*|sim)\b`,
    String.raw`\b(klant(en)?|cadeau|geschenk|leden|lid|lidmaatschaps|bonus|punten|voordeel|loyaliteits|spaar|kortings
      |club|biblio\w*|leners|lezers|bieb|identiteits|id|verblijfs|groene|zorg|gezondheids|patient(en)?|verzekerings
      |vaccinatie|donor|kenteken|voertuig|docenten|studenten|student|school|collegek?|personeels|medewerkers|toegangs
      |sleutel|parkeer|garantie|stempel|museum|bewoners|voorraad|strippen|reis|trein|bus|instap|visite|ansicht|post
      |wens|menu|land|speel|ruil|verzamel|voetbal|pokemon|grafische|geluids|netwerk|video|geheugen|tank|brandstof|sim
      |ov ?chip) ?kaart`,
    String.raw`\bkart\w+ (\w+ )?(podarunk|prezent|lojaln|klubow|rodziny|stalego|ubezp|ekuz|zielon|pobytu|miejsk
      |mieszkan|rabat|punktow|bonus|premiow|czlonk|zdrow|szczepi|studenck|uczni|szkoln|nauczyc|pracownicz|biblio
      |czyteln|tozsamo|wyborc|gwarancyjn|magazynow|rowerow|wedkar|polaka|isic|pojazd|kierowcy|tachogr|paliw|flotow
      |dostepu|wstepu|parking|pokladow|transport|wizytow|kolekc|do gry|zawodn|pokemon|graficzn|pamieci|sieciow|dzwiek
      |seniora|dan\b|sim)|\bkart\w+ (klienta|pacjenta)|\b(zielon|podarunk|lojaln|bibliot|czyteln|paliw
      |kolekc)\w+ kart`,
    String.raw`\b(vernost|darkov|zakaznick|pojist|klubov|clensk|slevov|bonus|bodov|knihov|ctenar|zdravot|pacient
      |ockov|zelen|obcansk|zaruc|sklad|evidenc|isic|identif|student|ucitel|zamestnan|sberatel|hrac|hern|pameto
      |grafick|sitov|zvukov|pristup|parkovac|tankovac|palivov|jizd|dopravn|palubn|telefon|sim)\w* kart
      |\bkart\w+ (vozidl|pacient|ctenar|pojisten|clena|knihovn|student|ridice)`,
    String.raw`\b(present|gava|gavo|kund|klubb|medlems?|lane?|biblioteks|lojalitets|formans|poang|rabatt|stam|passer
      |tids|stampel|forsakrings|sjuk\w*|halso|patient|vaccinations?|donations?|gront|grona|uppehalls\w*|kor|forar
      |registrerings|fordons|parkerings|bransle|drivmedels|tank|bensin|bonus|student|skol|elev|larar|personal|tjanste
      |anstalld\w*|nyckel|access|inpasserings|legitimations|garanti|arbets|lager|mecenat|sl|identitets|id|eu|rese
      |buss|visit|vy|jul|samlar|spel|pokemon|fotbolls|grafik|ljud|natverks|minnes|telefon|kontant|sim) ?kort`,
    String.raw`\b(hediye|sadakat|musteri|uye|uyelik|kulup|puan|indirim|avantaj|kutuphane|okuyucu|kimlik|vatandas\w*
      |ikamet|mavi|basin|engelli|stok|cari|demirbas|oturma|yesil|ogrenci|okul|ogretmen|personel|calisan|sigorta
      |saglik|hasta|asi|arac|ruhsat|surucu|ehliyet|otopark|ulasim|otobus|seyahat|binis|yakit|akaryakit|giris|gecis
      |koleksiyon|oyun|oyuncu|iskambil|takas|pokemon|ekran|grafik|ses|hafiza|bellek|telefon|kontor|sim) kart`,
  );
  // What the page's authors call a field may be a group of fields and a field: "member[card_number]".
  const OTHER_CARD_OF_CODE = either(
    String.raw`\b(gift|loyalty|rewards?|library|id|identity|sim|tax|trading|playing|collectib?le|graphics|fuel
      |boarding) ?card|\bcartao sus\b|\b(geschenk|kunden|gutschein)karten?|\bcarte (cadeau|fidelite|vitale|grise)\b
      |\btarjeta (regalo|sanitaria)\b`,
  );
  const OTHER_CARDS = new RegExp(OTHER_CARD, "g");
  const SOME_CARD = /car[dt]|kart|kaart|kort|tarj|ausweis|tessera|\bsim\b|iccid|aadha|kyc/; // costs less
  const isOtherCard = (text) => SOME_CARD.test(text) && OTHER_CARD.test(text);
  const DOCUMENT = /\bdocument(o|e|number)?\b|\bdokument/;
  // A library's card is its reader's, unless it is paid.
  const LIBRARY = either(
    String.raw`\b(library|bucherei\w*|biblioth\w+|bibliotec\w+|bibliotek\w*|knihovn\w*|kutuphane\w*)\b`,
  );

  // A code that was sent, shown or made for this one time, or that opens something.
  const SENT = either(
    String.raw`\b(sms|texted|text message|e ?mails?|emailed|mail|phone|telef\w*|mobil\w*|handy|apps?|whatsapp
      |e ?pos(t|ta)|correo|courriel|mejl|celular|movil|portable|cellulare|telemovel|cep tel\w*|komork\w*)\b`,
    String.raw`\b(application|aplicacion|aplicativo|applicazione|aplikac\w+|uygulama\w*|wiadomosc\w*)\b
      |\bauthenti|\bautenti`,
    String.raw`\b(2 fa|mfa|t?otp|two factor|one time|einmal\w*|usage unique|un solo uso|uso unico|monouso|eenmalig\w*
      |jednoraz\w*|engangs\w*|tek kullanim\w*|bank ?id|captcha\w*|image|imagen|imagem|immagine|picture|bild\w*
      |afbeelding\w*|plaatje|obraz\w*|resim\w*)\b`,
    String.raw`\b(sent|send|envoy\w+|recue?|enviad[oa]|enviamos|enviaremos|recibido|inviat[oa]|inviamo|ricevut[oa]
      |verzonden|gestuurd|ontvangen|wysl\w+|otrzyman\w+|odesl\w*|zasl\w+|skickat?|skickar|skickad\w*|skickats|fatt
      |gelen|gonder\w+|iletilen)\b`,
    String.raw`\b(gesendet|gesandt|zugesandt|geschickt|erhalten|identity|device|wi fi|building|entry|apartment)\b`,
    // How many characters a card's code has may be said of it.
    String.raw`(?<!\d )\b(characters|letters|zeichen|buchstaben|caracteres|caratteri|lettres|letras|lettere|tekens
      |znaki|znaky|znaku|tecken|bokstaver|karakter\w*|harf\w*)\b`,
    String.raw`\b(door|gate|alarm|login|log in|sign in|signin|anmeldung|recovery|backup|reset)\b`,
  );
  const SENT_ATTRIBUTE = /\b(t?otp|captcha\w*|2 ?fa|two ?factor|mfa|sms|one ?time|totp\w*)\b/;
  const SUM = /\d\s*[+×*x-]\s*\d.*[=?]/;

  // Check digits and numbers of other things.
  const ELSEWHERE = either(
    String.raw`\b(iban|isbn|ean|gtin|barcode|konto\w*|steuer\w*|rechnung\w*|zahler\w*|bestell\w*|artikel\w*|blz
      |tuv)\b`,
    String.raw`\b(accounts?|cuenta|compte|conta|conto|rekening|hesap|hesab\w*|ucet|uctu|home)\b`,
    String.raw`\b(isin|wkn|cusip|stocks?|wertpapier\w*|(serien|kunden|vertrags|mitglieds|versicherungs|fahrgestell|teile
      |matrikel|personal|depot|auftrags|chargen)nummer)\b`,
    String.raw`ausweis|\b(fuhrerschein\w*|zertifikat\w*|product|produkt\w*|licen[cs]e|serial|voucher|coupon)\b`,
  );

  // Where a code opens or deletes something: no card's, unless one is spoken of.
  const OPENS = either(
    String.raw`\b(delet\w+|eras\w+|wip(e|ing)|database|datenbank|bas\w* de d(atos|onnees|ados)|borrar|eliminar?
      |losch\w*|supprim\w+|suppression|effac\w+|cancella\w*|elimina\w*|exclu(ir|sao)|apagar|verwijder\w*|usun\w*
      |usuw\w*|smaz\w*|vymaz\w*|odstran\w*|radera\w*|ta bort|databas\w*|baz[aey] danych|databaz\w*|veri ?taban\w*|sil
      |silme\w*|silin\w*)\b`,
    String.raw`\b(unlock\w*|entsperr\w*|deverrouill\w*|debloqu\w*|desbloque\w*|sblocc\w*|ontgrendel\w*|odblok\w*
      |odemk\w*|las upp|kilid\w*|access|acces|acceso|accesso|acesso|zugang\w*|toegang\w*|dostep\w*|pristup\w*
      |atkomst\w*|erisim|giris\w*|passwor\w*|passwort\w*|mot de passe|contrasena|senha|wachtwoord\w*|hasl[oa]|heslo
      |losenord\w*|sifre\w*)\b`,
  );
  // What a code belongs to that is no card, where the field itself or its description says so.
  const OF_A_THING = either(
    String.raw`\b(under(side|sidan)|unterseite|bottom|gerat\w*|appareil|dispositivo\w*|apparaat|urzadzen\w*
      |zarizeni\w*|enhet\w*|cihaz\w*|router\w*|modem\w*|sticker|aufkleber|typenschild|etiket\w*|naklejk\w*|stit(ek
      |ku)|dekal\w*|robot\w*|spam)\b`,
    String.raw`\b(tur|porte|puerta|porta
      |portao|deur|drzwi|dver\w+|dorr\w*|kapi)\b`,
  );

  const NO_SAMPLE = /\b(key|code|iban|licen[cs]e|serial|voucher|coupon|product)\b/;

  const SEARCH = either(
    String.raw`(^|\| )(filter|look ?up|find (by|a|an|card|customer|order)|such\w*|recherch\w*|busc\w+|pesquis\w+
      |procur\w+|cerca|cercare|zoek\w*|szuka\w*|wyszuka\w*|hleda\w*|vyhled\w*|sok|soka|ara)\b`,
    String.raw`\b(search|lookup)\b|\b(suchen|durchsuchen|suche|zoeken|szukaj|hledat|ara|arama)($| \|)`,
  );
  const LAST_FOUR = either(
    String.raw`(^|\| )(\w+ ){0,2}last (4|four)\b|\blast (4|four) (digits|numbers) of\b|\b(card|number) (ending
      |ends)\b`,
    String.raw`(^|\| )(\w+ ){0,2}(letzten?|derniers|ultimos|ultime|laatste|ostatnie|posledni|sista|son) (4|vier
      |quatre|cuatro|quattro|quatro|cztery|ctyri|fyra|dort)\b`,
    String.raw`(^|\| )(\w+ ){0,2}(4|quatre|cuatro|quattro|quatro|fyra) (derniers|ultimos|ultime|sista)\b`,
  );
  // At the end of what stands before a number's name: that it is not wanted here.
  const NOT_HERE = either(
    String.raw`\b(do not|don t|dont|never|please avoid) (ever )?(include|including|share|sharing|enter|send|write|give
      |type|post|provide|put|disclose|email|submit|add)` +
      String.raw`( (any|your|a|the|full|complete|payment|credit|debit|bank|sensitive|or|us))* ?$`,
    String.raw`\b(nicht|keine|keinesfalls|niemals|ne|jamais|nunca|non|nao|niet|geen|nie|nikdy|aldrig|inte
      |inga)( \w+){0,3} ?$`,
  );

  // Fields that stand beside those of a card: a group or a hint that speaks of the number does not make them one.
  const OTHER_FIELD = either(
    String.raw`inhaber|houder\b|\b(name|nickname|holder\w*|owner|titulaire|titular\w*|titolare|nome|nom|nombre
      |namn|naam|innehavar\w*|posiadacz\w*|drzitel\w*|imie|nazwisko|jmeno|isim|adi|soyad\w*|sahibi)\b`,
    String.raw`\b(type|typ|tipo|typ karty|brand|issuer|zip|postal\w*|post ?code|plz|cap|cep|psc|address\w*
      |adress\w*|adres\w*|street|strasse|rue|calle|via|city|town|stadt|ville|ciudad|citta|cidade|stad|miasto
      |mesto|sehir|country|land|pays|pais|state|region)\b`,
    String.raw`\b(phone|tel|telefon\w*|e ?mail|amount|betrag|montant|importe|importo|bedrag|kwota|castka|belopp
      |tutar|total|currency|installments?|parcelas|quantity|company|comments?|notes?|message|subject|birth\w*
      |order)\b`,
  );

  // Who says of a group that it is about signing in.
  const SIGNING_IN = either(
    String.raw`\bauthenti|\bautenti|\b(two factor|2 fa|mfa|otp|one time|captcha|sms|login|sign in|anmeld\w*|connexion
      |iniciar sesion|accedi|inloggen|logowani\w*|zaloguj|prihlas\w*|logga in|giris yap)\b`,
  );

  const MONEY = /\b(amount|total|sum|fee|surcharge|limit|betrag|summe|montant|importe|importo|bedrag|kwota|tutar)\b/;

  Object.assign(globalThis.eyelid, {plain, speaksOfCards});
  globalThis.eyelid.words = {
    PAYING, ANY_CARD, PAYS, isOfPayingCard, CARD, NUMBER, SHORT_NUMBER, OTHER_SHORT, BARE_CARD, PAN, PAN_OF_CARD,
    INDIAN_PAN, BARE, BARE_NUMBER, BARE_TIME, BARE_CODE, THREE_DIGIT_CODE, NAMED_CODE, FOUR_DIGIT_CODE, SAMPLE, CODE,
    NO_OTHER_CODE, ABBREVIATED, THREE, SIXTEEN, DIGITS, BEHIND, FRONT, LONG, A_NUMBER, OTHER_NUMBER, CODE_OR_NOT,
    CHECK, EXPIRY, PERISHABLE, OTHER_CARD_OF_CODE, isOtherCard, DOCUMENT, LIBRARY, SENT, SENT_ATTRIBUTE, SUM,
    ELSEWHERE, OPENS, OF_A_THING, NO_SAMPLE, SEARCH, LAST_FOUR, NOT_HERE, OTHER_FIELD, SIGNING_IN, MONEY,
  };
})();
