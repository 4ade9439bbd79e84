// Countries that grow coffee with their regions, as data. An estate is not a region, and a district
// stands before its state: `Nagaland Tuensang` is in the region Nagaland, which is named first.

/** ISO 3166-1 code, the names of the country, and its regions as `Name: other spelling`. */
export interface CoffeeCountry {
  readonly code: string
  readonly names: string
  readonly regions: readonly string[]
}

export const COFFEE_COUNTRIES: readonly CoffeeCountry[] = [
  {
    code: 'IN',
    names: 'india | indian | indien | inde | インド | 인도',
    regions: [
      `
        Chikmagalur: chikmagalur | chikmagular | chikmaglur | chikkamagaluru | chickmagalur |
        chikkamagalur | chikamagalur
      `,
      'Coorg: coorg | kodagu',
      `
        Baba Budangiri: baba budangiri | bababudangiri | baba budan giri | bababudan giri |
        baba budan
      `,
      'BR Hills: br hills | b r hills | biligiriranga | biligirirangan | biligiris | biligiri',
      'Sakleshpur: sakleshpur | sakleshpura',
      'Araku Valley: araku valley | araku',
      'Paderu: paderu',
      'Koraput: koraput',
      'Shevaroys: shevaroys | shevaroy | sheveroy | sheveroys | yercaud',
      'Nilgiris: nilgiris | nilgiri',
      'Pulneys: pulneys | pulney | palani hills | palani | palni | palni hills',
      'Nelliyampathy: nelliyampathy | nelliampathy | nelliyampathi',
      'Wayanad: wayanad | wayanaad',
      'Idukki: idukki',
      'Anamalais: anamalais | anamalai',
      'Jampui: jampui',
      'Dima Hasao: dima hasao',
      'Nagaland: nagaland',
      'Tuensang: tuensang',
      'Kohima: kohima',
      'Mokokchung: mokokchung',
      'Meghalaya: meghalaya',
      'Karnataka: karnataka',
      'Kerala: kerala',
      'Tamil Nadu: tamil nadu | tamilnadu',
      'Malabar: malabar',
    ],
  },
  {
    code: 'ET',
    names: `
        ethiopia | ethiopian | ethiopie | athiopien | etiopia | etiopía | etiopi | エチオピア | 에티오피아 |
        埃塞俄比亚 | 衣索比亞
      `,
    regions: [
      'Yirgacheffe: yirgacheffe | yirga cheffe | yirgachefe | yrgacheffe | イルガチェフェ | 예가체프 | 耶加雪菲',
      'Sidama: sidama | sidamo | シダモ | 시다모 | 西达摩',
      'Guji: guji | グジ | 구지 | 古吉',
      'Gedeo: gedeo',
      'Gedeb: gedeb | ゲデブ | 게뎁',
      'Kochere: kochere | コチェレ | 코체레',
      'Limu: limu | limmu',
      'Jimma: jimma | djimmah | djimma',
      'Harrar: harrar | harar',
      'Kaffa: kaffa',
      'Bench Maji: bench maji',
      'Bensa: bensa',
      'Shakiso: shakiso',
    ],
  },
  {
    code: 'KE',
    names: 'kenya | kenyan | kenia | kenija | ケニア | 케냐 | 肯尼亚',
    regions: [
      'Nyeri: nyeri | ニエリ | 니에리 | 涅里',
      'Kirinyaga: kirinyaga | キリニャガ | 키리냐가',
      'Kiambu: kiambu',
      "Murang'a: muranga | murang a",
      'Embu: embu',
    ],
  },
  {
    code: 'CO',
    names:
      'colombia | colombian | kolumbien | colombie | kolumbia | コロンビア | 콜롬비아 | 哥伦比亚',
    regions: [
      'Huila: huila | ウイラ | 우일라 | 蕙兰',
      'Nariño: narino | ナリーニョ | 나리뇨',
      'Cauca: cauca | カウカ | 카우카',
      'Tolima: tolima | トリマ | 톨리마',
      'Antioquia: antioquia',
      'Quindío: quindio',
      'Caldas: caldas',
      'Risaralda: risaralda',
      'Santander: santander',
      'Cundinamarca: cundinamarca',
      'Gaitania: gaitania',
      'Pitalito: pitalito',
    ],
  },
  {
    code: 'BR',
    names:
      'brazil | brasil | brasilien | bresil | brazilian | brasile | brazylia | brazilie | brasiliansk | ブラジル | 브라질 | 巴西',
    regions: [
      'Cerrado: cerrado | cerrado mineiro | セラード | 세하도 | 세라도',
      'Sul de Minas: sul de minas | スルデミナス | 술 데 미나스 | south of minas | south minas',
      'Mogiana: mogiana',
      'Minas Gerais: minas gerais',
      'Bahia: bahia',
      'Espírito Santo: espirito santo',
    ],
  },
  {
    code: 'GT',
    names: 'guatemala | guatemalan | gwatemala | グアテマラ | 과테말라 | 危地马拉',
    regions: [
      'Huehuetenango: huehuetenango | huehue | ウエウエテナンゴ | 우에우에테낭고',
      'Antigua: antigua | アンティグア | 안티구아',
      'Acatenango: acatenango',
      'Atitlán: atitlan',
      'Cobán: coban',
    ],
  },
  {
    code: 'CR',
    names: 'costa rica | costa rican | kostaryka | コスタリカ | 코스타리카 | 哥斯达黎加',
    regions: [
      'Tarrazú: tarrazu | タラズ | 따라주 | 타라주',
      'West Valley: west valley',
      'Central Valley: central valley',
      'Tres Ríos: tres rios',
      'Brunca: brunca',
    ],
  },
  {
    code: 'HN',
    names: 'honduras | honduran | ホンジュラス | 온두라스 | 洪都拉斯',
    regions: [
      'Marcala: marcala',
      'Copán: copan',
      'Santa Bárbara: santa barbara',
      'Comayagua: comayagua',
    ],
  },
  {
    code: 'NI',
    names: 'nicaragua | nicaraguan | nikaragua | ニカラグア | 니카라과 | 尼加拉瓜',
    regions: ['Jinotega: jinotega', 'Matagalpa: matagalpa', 'Nueva Segovia: nueva segovia'],
  },
  {
    code: 'SV',
    names: 'el salvador | salvador | salwador | エルサルバドル | 엘살바도르 | 萨尔瓦多',
    regions: ['Apaneca: apaneca | apaneca ilamatepec', 'Chalatenango: chalatenango'],
  },
  {
    code: 'PA',
    names: 'panama | panamanian | パナマ | 파나마 | 巴拿马',
    regions: ['Boquete: boquete | ボケテ | 보케테', 'Volcán: volcan', 'Chiriquí: chiriqui'],
  },
  {
    code: 'PE',
    names: 'peru | peruvian | perou | ペルー | 페루 | 秘鲁',
    regions: [
      'Cajamarca: cajamarca',
      'Cusco: cusco | cuzco',
      'Junín: junin',
      'Puno: puno',
      'Amazonas: amazonas',
      'Chanchamayo: chanchamayo',
    ],
  },
  {
    code: 'EC',
    names: 'ecuador | ekwador | equateur | ekuador | 厄瓜多尔 | エクアドル | 에콰도르',
    regions: ['Loja: loja', 'Pichincha: pichincha'],
  },
  {
    code: 'BO',
    names: 'bolivia | bolivian | bolivien | bolivie | boliwia | ボリビア | 볼리비아 | 玻利维亚',
    regions: ['Caranavi: caranavi'],
  },
  {
    code: 'MX',
    names: 'mexico | mexican | mexiko | mexique | meksyk | メキシコ | 멕시코 | 墨西哥',
    regions: ['Chiapas: chiapas', 'Oaxaca: oaxaca', 'Veracruz: veracruz'],
  },
  {
    code: 'JM',
    names: 'jamaica | jamaican | jamaika | ジャマイカ | 자메이카 | 牙买加',
    regions: ['Blue Mountain: blue mountain | blue mountains | ブルーマウンテン'],
  },
  {
    code: 'DO',
    names:
      'dominican republic | dominikanische republik | dominikana | republica dominicana | ドミニカ | 도미니카',
    regions: [],
  },
  { code: 'HT', names: 'haiti', regions: [] },
  { code: 'CU', names: 'cuba | cuban | kuba | キューバ', regions: [] },
  {
    code: 'RW',
    names: 'rwanda | rwandan | ruanda | ルワンダ | 르완다 | 卢旺达',
    regions: ['Nyamasheke: nyamasheke', 'Huye: huye'],
  },
  {
    code: 'BI',
    names: 'burundi | ブルンジ | 부룬디 | 布隆迪',
    regions: ['Kayanza: kayanza', 'Ngozi: ngozi'],
  },
  {
    code: 'UG',
    names: 'uganda | ugandan | ouganda | 乌干达 | ウガンダ | 우간다',
    regions: [
      'Mount Elgon: mount elgon | mt elgon',
      'Rwenzori: rwenzori',
      'Bugisu: bugisu | sipi falls',
    ],
  },
  {
    code: 'TZ',
    names: 'tanzania | tanzanian | tansania | tanzanie | 坦桑尼亚 | タンザニア | 탄자니아',
    regions: ['Kilimanjaro: kilimanjaro | キリマンジャロ', 'Mbeya: mbeya', 'Mbinga: mbinga'],
  },
  {
    code: 'CD',
    names: 'congo | dr congo | democratic republic of congo | kongo',
    regions: ['Kivu: kivu | south kivu | north kivu'],
  },
  { code: 'MW', names: 'malawi', regions: [] },
  { code: 'ZM', names: 'zambia', regions: [] },
  { code: 'CM', names: 'cameroon | kamerun | cameroun', regions: [] },
  {
    code: 'ID',
    names:
      'indonesia | indonesian | indonesien | indonesie | indonezja | インドネシア | 인도네시아 | 印度尼西亚 | 印尼',
    regions: [
      'Sumatra: sumatra | sumatran | スマトラ | 수마트라 | 苏门答腊',
      'Aceh: aceh | アチェ | 아체 | gayo | aceh gayo',
      'Lintong: lintong | リントン | 린통',
      'Mandheling: mandheling | mandailing | マンデリン | 만델링 | 曼特宁',
      'Sulawesi: sulawesi | スラウェシ | 술라웨시',
      'Toraja: toraja | トラジャ | 토라자',
      'Flores: flores',
      'Bali: bali | kintamani',
      'West Java: west java | jawa barat',
      'Java: java | jawa',
    ],
  },
  {
    code: 'VN',
    names: 'vietnam | vietnamese | wietnam | 越南 | ベトナム | 베트남',
    regions: ['Da Lat: da lat | dalat | cau dat', 'Dak Lak: dak lak', 'Lam Dong: lam dong'],
  },
  {
    code: 'PG',
    names:
      'papua new guinea | png | papua neuguinea | papua nowa gwinea | papouasie nouvelle guinee | パプアニューギニア | 파푸아뉴기니',
    regions: ['Eastern Highlands: eastern highlands', 'Western Highlands: western highlands'],
  },
  {
    code: 'TH',
    names: 'thailand | thai | tajlandia | thailande | タイ産 | タイランド | 태국',
    regions: [
      'Chiang Mai: chiang mai',
      'Chiang Rai: chiang rai',
      'Doi Chaang: doi chaang | doi chang',
    ],
  },
  { code: 'LA', names: 'laos | lao', regions: ['Bolaven: bolaven'] },
  { code: 'MM', names: 'myanmar | burma', regions: [] },
  { code: 'CN', names: 'china | chinese | 中国', regions: ['Yunnan: yunnan | 云南 | 雲南'] },
  { code: 'TW', names: 'taiwan | 台湾 | 臺灣', regions: ['Alishan: alishan | 阿里山'] },
  { code: 'PH', names: 'philippines | philippine', regions: [] },
  { code: 'TL', names: 'timor leste | east timor', regions: [] },
  {
    code: 'YE',
    names: 'yemen | yemeni | jemen | yemenie | イエメン | 예멘 | 也门',
    regions: ['Haraz: haraz', 'Bani Matar: bani matar'],
  },
  { code: 'NP', names: 'nepal', regions: [] },
  { code: 'AU', names: 'australian grown', regions: [] },
  {
    code: 'US',
    names: 'hawaii | hawaiian | ハワイ | 하와이',
    regions: ['Kona: kona', 'Kau: kau', 'Maui: maui'],
  },
]
