// The words by which pages ask for a card's number, code or expiry date, in English, German, French, Spanish, Italian,
// Portuguese, Dutch, Polish, Czech, Swedish and Turkish, and those that look like them. Knows texts alone, no page.
(() => {
  "use strict";

  // Patterns may go on in the next line.
  const either = (...patterns) => new RegExp(patterns.join("|").replace(/\n +/g, ""));

  // Parts of words of which every name below has one, so that all other texts cost no more than this search. A dot
  // stands for a letter with an accent.
  const STEMS = new RegExp(
    either(
      String.raw`card|kart|cart|kaart|kort|tarjet|kredit|bankpas|betaalpas|visa|amex|\bcb\b|\bcc|c\W?c\W? n|ccn
        |\bpan\b|long`,
      String.raw`primary|cvv|cvc|cvn|csc|ccv|cvx|cvd|cid|kpn|cav|cv ?2|c\W?v\W?[vc]|sec|cur|segur|sicher|veilig
        |bezp|kerhet`,
      String.raw`venlik|ochran|pr.{1,2}f|prue|crypt|cript|critt|code|kod|k.{1,2}d|c.{1,2}d[i.]|v.rif|v.lid|ontr
        |v.{1,2}ovac`,
      String.raw`rulama|hodnota|signature|back|reverse|rear|ckseite|dos|verso|reverso|dorso|retro|achter|odwro
        |zadn|arka`,
      String.raw`rewers|exp|scad|caduc|venc|vto|ltig|abla|verf|uft|verval|verloop|geldig|wa.{1,2}n|wygas|platn
        |vypr|utg`,
      String.raw`giltig|ller|rfall|kullan|erlilik|skt|mm|aa|month|year|good`,
    ),
    "i",
  );
  const OTHER_LETTERS = /[\u00ad\u0100-\uffff]/; // beyond the letters of Western Europe: not worth telling apart
  const SAMPLE_AT_ALL = /[\dx*#_](?:[ -]?[\dx*#_]){11}/i;

  const speaksOfCards = (text) => STEMS.test(text) || OTHER_LETTERS.test(text) || SAMPLE_AT_ALL.test(text);

  // Letters that no decomposition takes apart.
  const LETTERS = {
    ...{ß: "ss", ł: "l", Ł: "L", ø: "o", Ø: "O", đ: "d", Đ: "D", ı: "i"},
    ...{æ: "ae", Æ: "AE", œ: "oe", Œ: "OE"},
  };
  const ASCII = /^[\x00-\x7f]*$/;

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
      .replace(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, "")
      .replace(/\bn ?\.? ?[º°]/gi, " nr ")
      .normalize("NFKD")
      .replace(/[\u0300-\u036f]/g, "")
      .replace(/[ßłŁøØđĐıæÆœŒ]/g, (letter) => LETTERS[letter]);

  // Cards that pay, to tell them from the others.
  const PAYING = either(
    String.raw`\b(credit|debit|bank|payment|pay|charge|visa|master|amex|american express) ?card\b|\bcredit ?card`,
    String.raw`\b(kredit|debit|bank|zahlungs|giro|ec) ?karten?`,
    String.raw`\bcartes? (bancaires?|de credit|de debit|de paiement|bleue)\b|\bcb\b`,
    String.raw`\btarjetas? (de )?(credito|debito|bancaria)\b|\bcarta (di )?(credito|debito)\b
      |\bcartao (de )?(credito|debito)\b`,
    String.raw`\b(credit|krediet|bank|betaal|debet) ?(kaart|card)`,
    String.raw`\bkart[aey] (kredytow|platnicz|debetow|bankow)\w+|\b(kreditni|platebni|debetni|bankovni) kart`,
    String.raw`\b(kredit|betal|bank|konto|debet) ?kort|\b(kredi|banka) ?karti`,
  );

  // A group of fields that are about a paying card.
  const PAYING_GROUP = either(
    PAYING.source,
    String.raw`\b(card|karten|kaart|kort|kart) ?(details|data|daten|information|informatie|gegevens|uppgifter
      |bilgileri)\b`,
    String.raw`\b(pay|payment|paying) (by|with) card\b|\bdati (della )?carta\b|\bdados do cartao\b
      |\bdatos de (la|su) tarjeta\b`,
  );

  // Any mention of a card: what makes an expiry date that of one, and a check number a card's.
  const CARD = either(
    PAYING.source,
    String.raw`\b(cc|card|karten?|carte|tarjeta|carta|cartao|kaart|kart[aey]|kort|kortets?|kart(i|in|inin|iniz
      |inizin)?)\b`,
    String.raw`\bcard(exp|number|cv)`,
  );

  const NUMBER = either(
    // English. Before a glued "cardnumber" only what forms put there: "discardnumber" is none.
    String.raw`\b((txt|tb|input|my|the|new|user|pay|payment|billing|credit|debit|bank|cc|enc|encrypted|master
      |visa) ?)?card (?:ac(?:coun|c)t )?(number|numbers|no|nr|num|nbr|pan)\b`,
    String.raw`\b(txt|tb|input|my|new|user|pay|payment|billing|credit ?|debit|bank|cc|c|enc
      |encrypted)?card(number|no|num|nr)\b`,
    String.raw`\bcard account\b|(?<!(phone|telephone|account|order|policy) )\bnumber (on|of) (the )?(front of )?` +
      String.raw`(the |your |my )?((credit|debit|bank) )?card\b(?! (statement|bill))`,
    String.raw`\blong (card )?number\b|\bc ?c ?(number|num|no|nr)\b|\bccn\b|\bprimary account number\b
      |\b1[56] digit card\b`,
    String.raw`\b(visa|master ?card|amex|american express)\b( \w+){0,3} (number|no|nr|nummer)\b`,
    // German
    String.raw`\b(kredit|bank|debit|ec|giro|zahlungs)? ?(card|karten?) ?(nummer|nummern|nr|no)\b`,
    String.raw`\b(nummer|nr) (auf )?(der |ihrer |deiner )?(kredit|bank|debit|ec|giro|zahlungs)?karte\b
      |\bkarte nummer\b`,
    // French, Spanish, Italian, Portuguese
    String.raw`\b(numero|num|nr|no|n) ?(de |du |sur )?(la |sa |ma |votre )?(carte|cb)\b`,
    String.raw`\b(numero|num|nr|no|nro|n) ?(de |en )?(la |su |tu |mi )?tarjeta\b|\btarjeta (no|nro|num|numero)\b`,
    String.raw`\b(numero|num|nr|no|n) ?(di |della |sulla )?(sua |tua |mia )?carta\b`,
    String.raw`\b(numero|num|nro|nr|n|digitos) ?(de |do |no )?(seu |teu )?cartao\b|\bno d[eo] (seu |teu )?cartao\b`,
    // Dutch
    String.raw`\b(credit|krediet|crediet|bank|betaal|debet)? ?(kaart|card) ?(nummer|nr|no)\b`,
    String.raw`\bnummer (van|op) (uw |je |jouw |de )?(credit ?card|(bank|betaal|krediet|debet)?kaart)\b|\b(bank
      |betaal)pas ?(nummer|nr)\b`,
    // Polish, Czech
    String.raw`\b(numer|nr|numeru) ?(twojej |swojej |panstwa |na )?kart(y|cie)\b`,
    String.raw`\b(cislo|cisla|c) ?(vasi |vas[ei] |sve |z )?((platebni|kreditni|debetni|bankovni) ?)*karty\b
      |\bcislo kreditky\b`,
    // Swedish, Turkish
    String.raw`\b(kredit|betal|bank|konto|debet)?(kort|korts|kortets) ?(nummer|numret|nr)\b`,
    String.raw`\b(kredi |banka |debit )?kart(i|in|inin|iniz|inizin|inizdaki)? ?(numara\w*|no|nosu|nu)\b`,
    String.raw`\bkartin(iz\w*)? uzerindeki numara\b`,
    `(${PAYING.source})[a-z]* (number|no|nr|nummer|numero|numer|cislo|numara\\w*)\\b`,
  );

  // Names of a card and no more: what a field is called, not what something says of cards.
  const BARE_CARD = either(
    String.raw`^((enter|add|insert|input|type|txt|please|new|your|my|the|a|votre|ma|la|une|su|tu|mi|ingrese|introduzca
      |inserisci|tua|sua|seu|o|digite|ihre|deine|bitte|uw|je|jouw|twoja|vase|ditt|ange) ){0,3}(` +
      String.raw`(credit|debit|bank|payment)( ?card)?( or| and)?( (credit|debit|bank))? ?card|card (details|information)
      |(kredit|debit|bank) ?karte|carte (bancaire|de credit|bleue)|cb
      |tarjeta (de )?(credito|debito)( o (de )?(debito|credito))?|carta (di )?credito
      |cartao (de )?(credito|debito)|credit ?kaart|karta (kredytowa|platnicza)
      |(kreditni|platebni) karta|(kredit|betal|bank)kort|(kredi|banka) karti)` +
      String.raw`( required| optional| details?| info| information| data| daten| field| input| box| text| visa
      | master ?card| amex| american express| maestro| or| and| o| y| e| et| ou| und| oder)*$`,
  );

  // The same by an abbreviation that is a word elsewhere ("pan", "Pan Kowalski"): alone, and as it is written.
  const PAN = /^\W*PAN\W*$/;

  const BARE_NUMBER = /^(number|no|nr|num|nummer|numero|numer|cislo|numara|numarasi)( required| optional)?$/;
  const BARE_CODE = /^(code|kod|kode|kodu|codigo|codice|cod)( required| optional)?$/;

  // Four groups of four as an example of what goes in, or dots in their place.
  const SAMPLE = new RegExp(
    String.raw`^\W*(e ?\.? ?g\.?|ex\.?|z\. ?b\.|p\. ?ej\.|bv\.|np\.)?:? ?` +
      String.raw`([\dx*•·_#-]{4})([ -–]?[\dx*•·_#]{4}){3}( ?[\dx*•·_#]{1,3})?$`,
    "i",
  );

  // A card's code, by names that nothing else has.
  const CODE = either(
    String.raw`cvv|\bc v [vc]\b|cvc(code|number|num|no)?\b|\b(cvn|ccv|cvx|csc)\b|\b(cv|cav|cvd|cid) 2\b|\b(cvd
      |cv) (code|value|number)\b`,
    String.raw`\b(card|cc) ?(cid|csc|cvd|code|cod)\b|\bcard ?(security|verification|validation|identification
      |authentication)\b`,
    String.raw`\b(security|verification|validation) (code|number|no|digits?)( \w+){0,3} card\b
      |\bverification ?value\b`,
    String.raw`\b(code|digits) (\w+ ){0,3}(back|rear|reverse) of (the |your )?card\b|\bcc sec(urity)? code\b`,
    String.raw`\bsignature panel|\bpayment (security|verification) code\b|\b[34] digit (cvv|cvc|security|card)`,
    String.raw`\b(kredit)?karten? ?(pruf|pruef|sicherheits|validier|verifi|kontroll|code)\w*|\bcryptogramme\b
      |\bcriptograma\b|\bcrittogramma\b`,
    String.raw`\bcod(e|igo|ice)? (?!postal|promo)(\w+ ){0,3}(carte|tarjeta|carta|cartao)\b`,
    String.raw`\bnumero (\w+ )?verifica\w* (\w+ )?(carte|tarjeta|carta|cartao)\b`,
    String.raw`\bkaart ?(code|verificatie\w*|controle\w*|veiligheids\w*|beveiligings\w*)\b|\bkod (\w+ )?karty\b`,
    String.raw`\bkort(ets)? ?(kod|sakerhetskod|cvc)\b|\bkart(in|i|iniz\w*)? ?(guvenlik|kodu|dogrulama)`,
  );

  // The same by abbreviations that are something else elsewhere: as they are written, with no more than their length.
  const ABBREVIATED = /^\W*(CID|KPN|CVD|CAV)\W*([Cc]ode|[Nn]umber|[Nn]o|[Nn]ummer|[Nn]r)?\W*(\d[^A-Z]*)?\W*$/;

  // The three digits, by where they are on the card.
  const THREE = /\b(3|three|drei|trois|tres|tre|drie|trzy|tri|uc)\b/;
  const DIGITS = either(
    String.raw`\b(digits?|numbers?|code|ziffern?|stellig\w*|chiffres?|cifras?|digitos?|cifre|cijfers?)\b`,
    String.raw`\b(cyfr\w*|cislic\w*|mistn\w*|siffr\w*|hane\w*|rakam\w*|kod\w*)\b`,
  );
  const BEHIND = either(
    String.raw`\b(back|reverse|rear|ruckseite|rueckseite|dos|verso|reverso|dorso|retro|achterkant|achterzijde)\b`,
    String.raw`\b(odwroci[eu]|zadni|baksida\w*|arka\w*|rewers\w*)\b`,
  );

  // Names that a card's code has in common with others, which SENT, ELSEWHERE and OTHER_CARD tell apart.
  const CODE_OR_NOT = either(
    String.raw`(?<!\bsocial )\bsecurity ?(code|number|no|digits?|value)\b|\bsec code\b
      |\bcode (de |du )?(securite(?! soc)|verification)\b|\bnumero de securite\b(?! soc)`,
    String.raw`\bpr(u|ue)f ?(nummer|ziffern?|code|nr|zahl|wert)\b|\bsicherheits ?(code|kode|nummer|nr|ziffern?)\b`,
    String.raw`\bcod(igo|ice)? (de |di |do |da )?(la )?(seguridad|sicurezza|seguranca)\b(?! soc)|\bnumero (de
      |di) (seguridad|sicurezza|seguranca)\b(?! soc)`,
    String.raw`\b(beveiligings|veiligheids) ?(code|nummer)\b|\bkod (bezpieczenstwa|bezp|zabezpiecz\w+)\b`,
    String.raw`\b(bezpecnostni|ochranny) (kod|cislo)\b|\bsakerhetskod\w*|\bguvenlik (kod|numara|no)\w*`,
  );

  // Names that it shares with what is sent to a phone: a card's only where a card is spoken of.
  const CHECK = either(
    String.raw`\b(verification|validation) (code|number|no|digits?)\b|\bcontrol (number|code)\b
      |\bkontroll ?(nummer|ziffern?|code)\b`,
    String.raw`\bcode (de )?(controle|validation)\b|\bcodigo (de )?(verificacion|validacion|verificacao
      |validacao|verificador)\b`,
    String.raw`\bcodice (di )?(verifica|controllo|convalida)\b|\bnumero de (verificacao|verificacion)\b`,
    String.raw`\b(controle|verificatie) ?(code|nummer|cijfers?)\b|\bkod (weryfikacyjny|kontrolny)\b`,
    String.raw`\b(overovaci|kontrolni|verifikacni) (kod|cislo|hodnota)\b|\b(verifierings|kontroll) ?(kod|nummer
      |siffror)\b`,
    String.raw`\bdogrulama (kod|numara)\w*`,
  );

  const EXPIRY = either(
    String.raw`\b(cc|card|creditcard)?exp(iry|iration|ire[sd]?|ir|r)?(date|month|year|mm|yy|dt)?\b|\bex (month
      |year|date)\b|\b(valid|good) (thru|through|until|till|to)\b`,
    String.raw`\b(cc|card|credit ?card) ?(month|year|mm|yy)\b|\bmm ?(yy|jj|aa|rr)(yy|jj|aa|rr)?\b|\baa ?yy(yy)?\b`,
    String.raw`\bgu?e?ltig( bis|keit\w*)|\b(ablauf|verfalls?) ?(datum|monat|jahr|tag)?\b|\b(lauft|laeuft) ab\b`,
    String.raw`\bexpire\b|\bdate (d )?exp\w*|\b(date|fin) de validite\b|\bval(able|ide) jusqu\b`,
    String.raw`\bcaduc\w+|\bvencimiento\b|\bexpira(cion|cao)?\b|\bvenc\b|\bvto\b|\bvalid[ao] (hasta|ate|fino)\b`,
    String.raw`\bscadenza\b|\bscade?\b|\bvalidade\b|\bvencimento\b`,
    String.raw`\bver(val|loop)(datum|dag)\b|\bgeldig (tot|t m)\b|\bverloopt\b|\bwazn(a|e|y|osci|osc)\b|\bwygas\w+`,
    String.raw`\bplatnost\w*|\bplatn[aey] do\b|\bvyprs\w+|\bexs?pirace\b|\butgang\w*|\bgiltig\w*|\bgaller (till
      |t o m)\b`,
    String.raw`\bforfallodatum\b|\bson kullan\w+|\bgecerlilik\b|\bskt\b`,
  );

  // Cards that are for something else than paying. As phrases: a member, a patient or a student pays by card, too.
  const OTHER_CARD = either(
    String.raw`\b(gift|loyalty|rewards?|bonus|member(ship)?|library|student|club|insurance|medicare|medicaid|health|nhs
      |identity|id|national|access|key|staff|employee|business|report|green|resident|tax|time|score|calling|phone|post
      |discount|points|video|memory|sound|graphics|trading|playing|collectors?|pan|voter|ration|travel|bus|rail|metro
      |oyster|transit|parking|concession|pension|seniors?|veterans?|flyer|miles|player|smart|line|index|flash|sd|swipe
      |press|union|guest|visitor|patient|vaccination|donor|warranty|rfid|nfc|tarot|pokemon|privilege|vip|sim) ?card`,
    String.raw`\bsim\b|\biccid\b|\baadha+r\b|\bkyc\b|\bdocument(o|e|number)?\b|\bdokument|\btessera\b|ausweis`,
    String.raw`\b(geschenk|gutschein|kunden|bonus|treue|mitglied|versicher|kranken|gesundheit|biblio|schul|spiel
      |eintritt|visiten|speise|zugang|grafik|speicher|sim)\w* ?karten?|\bbahn ?card`,
    String.raw`\b(carte|tarjeta|carta|cartao)( \w+){0,2} (fidelite|cadeau|identite|vitale|adherent|membre|etudiante?
      |grise|sejour|visite|scolaire|mutuelle|navigo|embarquement|abonne|bibliotheque
       |regalo|fidelidad|fidelizacion|sanitaria
      |soci[oa]|residencia|embarque|visita|puntos|estudiante|identidad|transporte|biblioteca|fedelta|identita|imbarco
      |punti|studente|soggiorno|circolazione|presente|fidelidade|sus|cidadao|estudante|saude|utente|sim)\b`,
    String.raw`\b(klanten|cadeau|leden|lid|biblio\w*|identiteits|zorg|verzekerings|spaar|docenten|studenten|kortings
      |personeels|sim|ov ?chip) ?kaart`,
    String.raw`\bkart\w+ (\w+ )?(podarunk|lojaln|klubow|rodziny|stalego|ubezp|pobytu|miejsk|rabat|czlonk|zdrow|studenck
      |pracownicz|biblio|sim)`,
    String.raw`\b(vernost|darkov|zakaznick|pojist|klubov|clensk|slevov|knihov|ctenar|zdravot|pameto|grafick|pristup
      |sim)\w* kart`,
    String.raw`\b(present|medlems?|lane|lojalitets|formans|passer|forsakrings|bonus|student|id|sim) ?kort`,
    String.raw`\b(hediye|sadakat|kutuphane|kimlik|ogrenci|uyelik|sigorta|puan|personel|ulasim|saglik|indirim|sim) kart`,
  );
  // What the page's authors call a field may be a group of fields and a field: "member[card_number]".
  const OTHER_CARD_OF_CODE = /\b(gift|loyalty|library|id|identity|sim|tax) ?card|\bcartao sus\b/;

  // A code that was sent, shown or made for this one time, or that opens something.
  const SENT = either(
    String.raw`\b(sms|texted|text message|e ?mails?|emailed|mail|phone|telefon\w*|mobile|handy|app|apps|whatsapp)\b`,
    String.raw`\b(application|aplicacion|aplicativo|applicazione|aplikac\w+|uygulama\w*|wiadomosc\w*)\b
      |\bauthenti|\bautenti`,
    String.raw`\b(2 fa|mfa|t?otp|two factor|one time|einmal\w*|bank ?id|captcha|image|picture|bild|plaatje
      |obrazk\w+|resim\w*)\b`,
    String.raw`\b(sent|send|envoye|recu|enviad[oa]|recibido|inviat[oa]|ricevut[oa]|verzonden|wyslan\w+
      |odeslan\w*|skickat|skickad|gelen|gonderilen)\b`,
    String.raw`\b(gesendet|zugesandt|geschickt|erhalten|identity|device|wi fi|building|entry|apartment
      |characters|letters)\b`,
    String.raw`\b(door|gate|alarm|login|log in|sign in|signin|anmeldung|recovery|backup|reset)\b`,
  );
  const SENT_ATTRIBUTE = /\b(t?otp|captcha\w*|2 ?fa|two ?factor|mfa|sms|one ?time|totp\w*)\b/;
  const SUM = /\d\s*[+×*x-]\s*\d.*[=?]/;

  // Check digits and numbers of other things.
  const ELSEWHERE = either(
    String.raw`\b(iban|isbn|ean|gtin|barcode|konto\w*|steuer\w*|rechnung\w*|zahler\w*|bestell\w*|artikel\w*|blz
      |tuv)\b`,
    String.raw`ausweis|\b(fuhrerschein\w*|zertifikat\w*|product|produkt\w*|licen[cs]e|serial|voucher|coupon)\b`,
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
  const SIGNING_IN = /\bauthenti|\bautenti|\b(two factor|2 fa|mfa|otp|one time|captcha|sms|login|sign in|anmeldung)\b/;

  const NOTHING = Object.freeze({sure: "", beside: ""});
  const sure = (name) => ({sure: name, beside: ""});
  const besideCard = (name) => ({sure: "", beside: name});
  const MONEY = /\b(amount|total|sum|fee|surcharge|limit|betrag|summe|montant|importe|importo|bedrag|kwota|tutar)\b/;

  const joined = (texts) => texts.filter(Boolean).join(" | ");

  const asksNumber = (text) => {
    const found = NUMBER.exec(text);
    return found !== null && !NOT_HERE.test(text.slice(0, found.index));
  };

  const isBehind = (text) => THREE.test(text) && DIGITS.test(text) && BEHIND.test(text);

  // What a control asks for by what it is called: its own `attributes`, the `labels` that belong to it, the text `near`
  // it, `hints` that describe it and the `groups` that it is in, all plain; and `raw`, what users see of it as it is.
  // `sure` closes alone, `beside` only where a card's number or code is asked for as well.
  const judge = (called) => {
    const {attributes, labels, near, hints, groups, raw} = called;
    const words = [...attributes, ...labels, ...near];
    const own = joined(words);
    const seen = joined([...labels, ...near]);
    const hint = joined(hints);
    const group = joined(groups);
    // A form's name in front of a field's says little ("order[number]"): it counts where users are told nothing.
    const said = seen || joined(attributes);
    if (called.search || SEARCH.test(said)) return NOTHING;
    const isOtherGroup = !PAYING.test(group) && OTHER_CARD.test(group);
    const isOther =
      !PAYING.test(own) && (OTHER_CARD.test(seen) || isOtherGroup || OTHER_CARD_OF_CODE.test(joined(attributes)));
    const ofCard = CARD.test(joined([own, group]));

    if (!isOther) {
      if (CODE.test(own) || isBehind(own) || raw.some((text) => ABBREVIATED.test(text))) return sure("cc-csc");
      const isSent = called.oneTime || SENT.test(joined([seen, hint])) || SENT_ATTRIBUTE.test(joined(attributes));
      const isElse = isSent || SIGNING_IN.test(group) || ELSEWHERE.test(said) || raw.some((text) => SUM.test(text));
      if (CODE_OR_NOT.test(own) && (!isElse || isBehind(hint))) return sure("cc-csc");
      if (CHECK.test(own) && !isElse) return ofCard || CARD.test(hint) ? sure("cc-csc") : besideCard("cc-csc");
    }

    const isField = called.kind !== "textarea" && !OTHER_FIELD.test(said);
    if (!isOther && !LAST_FOUR.test(seen)) {
      if (words.some(asksNumber)) return sure("cc-number");
      if (raw.some((text) => SAMPLE.test(text)) && !NO_SAMPLE.test(seen)) return sure("cc-number");
      if (raw.some((text) => PAN.test(text)) || attributes.includes("pan")) return sure("cc-number");
      const isBare = called.kind === "input" && isField && !MONEY.test(own);
      if (isBare && [...attributes, ...labels].some((text) => BARE_CARD.test(text))) return sure("cc-number");
    }
    if (EXPIRY.test(own)) return ofCard && !isOther ? sure("cc-exp") : besideCard("cc-exp");
    return isField && !isOther ? judgeByContext(words, hint, group) : NOTHING;
  };

  // A field that says little of itself, by what describes it and what it is a part of.
  const judgeByContext = (words, hint, group) => {
    if (PAYING_GROUP.test(group)) {
      if (words.some((text) => BARE_NUMBER.test(text))) return sure("cc-number");
      if (words.some((text) => BARE_CODE.test(text))) return sure("cc-csc");
    }
    if (!OTHER_CARD.test(hint)) {
      if (CODE.test(hint) || isBehind(hint)) return sure("cc-csc");
      if (asksNumber(hint) && !LAST_FOUR.test(hint)) return sure("cc-number");
    }
    if (asksNumber(group)) return sure("cc-number");
    if (CODE.test(group)) return sure("cc-csc");
    if (EXPIRY.test(group)) return CARD.test(group) ? sure("cc-exp") : besideCard("cc-exp");
    return NOTHING;
  };

  Object.assign(globalThis.eyelid, {plain, speaksOfCards, judgeWords: judge});
})();
