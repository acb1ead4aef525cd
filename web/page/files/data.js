// What the labels of spaCy's English pipelines mean (spacy.explain), and texts to begin with.

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
}));

export const meaning = (label) => labels.get(label) ?? '';

export const examples = [
  ['Business', `Shares of Siemens rose 3.2% in Frankfurt on Tuesday after the Munich-based company said that it would buy a software maker in California for $10.6 billion. The third deal of this kind since 2022 needs the consent of regulators in Brussels and Washington. Roland Busch, who leads about 320,000 employees, expects it before the end of June.`],
  ['News', `When Sebastian Thrun started working on self-driving cars at Google in 2007, few people outside of the company took him seriously. “I can tell you very senior CEOs of major American car companies would shake my hand and turn away because I wasn’t worth talking to,” said Thrun, now the co-founder and CEO of online higher education startup Udacity, in an interview with Recode earlier this week.`],
  ['History', `On 20 July 1969 Neil Armstrong and Buzz Aldrin landed on the Moon in the Sea of Tranquility, while Michael Collins stayed in orbit.\n\nApollo 11 had left the Kennedy Space Center in Florida four days earlier on a Saturn V. About 600 million people watched the first steps; the two Americans brought 21.5 kilograms of rock back to Earth.`],
  ['Books', `Chinua Achebe, a Nigerian novelist, published Things Fall Apart in London in 1958. The first print run was 2,000 copies; since then it has sold more than 20 million, and has been translated from English into 57 languages, French, Russian and Japanese among them.`],
  ['Chat', `🎉 Zoë got the job at Spotify!! 👩‍💻 She starts in Stockholm next Monday at 9 a.m. 🇸🇪\nDinner for eight of us at Café Zürich on Friday? I’ll bring José and Åsa 🙂 ~€40 each`],
];
