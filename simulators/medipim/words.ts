// Words for the generated catalogue. Its companies, brands and products are fictitious.

import { createRandom, type Random } from '../support/random.ts'

export const DESCRIPTION_TYPES = [
  'full_description',
  'usage',
  'indication',
  'composition',
  'warnings',
  'contra_indication',
  'properties',
  'side_effects',
  'faq',
  'legal_text',
  'interactions',
  'usage_extended',
  'nutritional_value',
  'keywords',
  'measurements',
  'usage_type',
  'pregnancy_description',
  'pregnancy_description_extended',
  'breastfeeding_description',
  'breastfeeding_description_extended',
] as const

export const TARGET_GROUPS = [
  'public',
  'pharmacist',
  'doctor',
  'homecare',
  'hospital',
  'nurse',
  'physiotherapist',
  'webshop',
]

export const INGREDIENTS = [
  'lansoprazole',
  'paracetamol',
  'ibuprofen',
  'cetirizine',
  'loratadine',
  'metformin',
  'atorvastatin',
  'amoxicillin',
  'salbutamol',
  'ascorbic acid',
  'zinc sulfate',
  'magnesium citrate',
  'cholecalciferol',
  'melatonin',
  'omeprazole',
  'famotidine',
  'loperamide',
  'hydrocortisone',
  'clotrimazole',
  'perindopril',
  'amlodipine',
  'sertraline',
  'doxycycline',
  'prednisolone',
  'codeine',
  'aspirin',
  'naproxen',
  'iron',
  'folic acid',
  'probiotic culture',
] as const

export const FORMS = [
  'Tablets',
  'Capsules',
  'Syrup',
  'Cream',
  'Spray',
  'Drops',
  'Powder',
  'Lozenges',
  'Gel',
  'Patches',
] as const

/** Shop goods; some contain characters that faulty readers misread (’ é ° 漢 ½). */
export const GOODS = [
  'Lumbar Support',
  'Women’s Multivitamin',
  'Crème Réparatrice',
  'Thermometer 37°C',
  '漢方 Herbal Tea',
  'Baby Wipes',
  'Nail File',
  'Sunscreen SPF 50+',
  'Toothbrush Soft',
  'Knee Brace',
  'Protein Bar',
  'Hair Colour 6½',
  'Lip Balm',
  'Compression Socks',
  'Men’s Shaving Gel',
  'Nappies Size 4',
  'Eau de Toilette Été',
  'First Aid Kit',
  'Contact Lens Solution',
  'Shampoo',
  'Glucose Test Strips',
  'Foot Cream',
  'Cotton Pads',
] as const

const SYLLABLES = [
  'vel',
  'mor',
  'a',
  'tri',
  'sano',
  'lux',
  'bel',
  'ker',
  'ova',
  'nim',
  'pha',
  'rin',
  'dex',
  'cali',
  'wen',
  'tor',
  'ze',
  'lia',
] as const

const [FIRST_WORD = '', ...OTHER_WORDS] = (
  'the a of and for with when after before each every daily dose adult child years old use only ' +
  'as directed by your health care professional if symptoms persist relief from mild moderate ' +
  'pain fever skin dry sensitive helps support healthy immune function contains no added sugar ' +
  'lactose gluten store below keep out of reach children take one two tablets water meals do ' +
  'not exceed recommended apply thin layer affected area wash hands eyes avoid contact product ' +
  'pack may cause drowsiness ask pharmacist doctor pregnant breastfeeding medicine natural ' +
  'extract formula clinically tested gentle long lasting'
).split(' ')

/** Makes a pronounceable fictitious name: `Velmora`. */
export function inventName(random: Random): string {
  const name = Array.from({ length: random.between(2, 4) }, () => random.pick(SYLLABLES)).join('')
  return name.charAt(0).toUpperCase() + name.slice(1)
}

function makeSentence(random: Random): string {
  const words = Array.from({ length: random.between(6, 22) }, () =>
    random.pick([FIRST_WORD, ...OTHER_WORDS]),
  )
  const text = words.join(' ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function makeParagraph(random: Random, index: number): string {
  const text = Array.from({ length: random.between(1, 4) }, () => makeSentence(random)).join(' ')
  if (index % 8 === 1)
    return `<ul>\n<li>${makeSentence(random)}</li>\n<li>${makeSentence(random)}</li>\n</ul>\n`
  if (index % 8 === 2) return `<h3>${makeSentence(random)}</h3>\n<p>${text}</p>\n`
  if (index % 8 === 3) return `<p>Store below 25&nbsp;°C. ${text}</p>\n`
  if (index % 8 === 4) return `<p>It’s the patient’s choice — “${text}”</p>\n`
  if (index % 8 === 5)
    return `<table style="width:100%">\n<tr><td>é</td><td>\t${text}</td></tr>\n</table>\n`
  return `<p>${text}</p>\n`
}

/** Sanitised HTML like the supplier's, with line feeds, 60 to about 600 characters each. */
export const PARAGRAPHS: readonly string[] = Array.from({ length: 256 }, (_, index) =>
  makeParagraph(createRandom(20_230_214, index), index),
)
