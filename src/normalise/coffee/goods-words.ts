// Words for the goods that coffee shops sell beside coffee, in the languages of the shops.

export const GEAR = `
    scale | scales | grinder | grinders | hand grinder | muhle | kaffeemuhle | kettle |
    gooseneck kettle | dripper | brewer | carafe | server | scoop | tamper | tamping mat |
    knock box | knockbox | portafilter | basket | pitcher | milk jug | milk frother | frother |
    thermometer | timer | refractometer | distribution tool | distributor | wdt | puck screen |
    espresso machine | coffee machine | coffee maker | machine | roaster machine | home roaster |
    decanter | canister | vacuum canister | airscape | storage jar | coffee jar | spare part |
    gasket | o ring | burr | burrs | spoon | cupping bowl | drip stand | hario v60 | v60 dripper |
    v60 server | v60 set | chemex brewer | aeropress go | aeropress xl | aeropress original |
    aeropress clear | aeropress coffee maker | switch dripper | clever dripper | bialetti |
    south indian coffee filter | davara | tumbler set | water bottle |
    coffee roaster | sample roaster | bean scoop | bean hopper | hopper | dosing funnel |
    dosing cup | dosing ring | leveler | leveller | shower screen | group head | steam wand | airpot |
    dispenser | brew stand | pour over stand | pour over set | pour over kit | drip tray | cold brew maker | cold brew system |
    cold brew pot | brewing system | brew kit | brewing kit | home brew kit | gear | equipment |
    manual brewing | thermos | flask |
    keep cup | keepcup | travel press | kaffeemaschine | kaffeemuhle | handmuhle |
    espressomaschine | waage | kaffeewaage | wasserkocher | kaffeebereiter | moulin | moulin a cafe | balance de precision | bouilloire | machine a cafe |
    molinillo | molinillo de cafe | bascula | hervidor | cafetera | macinacaffe | macinino | bollitore |
    mlynek | mlynek do kawy | waga | czajnik | ekspres | ekspres do kawy | zaparzacz | kawiarka |
    グラインダー | コーヒーミル | ミル | ドリッパー | ケトル | サーバー | スケール | 그라인더 | 드리퍼 | 케틀 |
    서버 | 저울 | 磨豆机 | 滤杯 | 手冲壶 | 电子秤
  `
/** Makers of brewing goods. Melitta also sells coffee. */
export const MAKERS = `
    hario | kinto | timemore | comandante | baratza | acaia | loveramics | notneutral | bodum |
    melitta | bonavita | technivorm | moccamaster | delonghi | wacaco | cafelat | 1zpresso | kruve |
    ditting | mazzer | mahlkonig | rancilio | la marzocco | breville | eureka mignon | rattleware |
    rhino coffee gear | espro | huskee | miir | cafec | origami dripper | weber workshops | behmor |
    fellow stagg | fellow ode | fellow atmos | fellow carter | fellow opus | fellow clara |
    fellow prismo | toddy
  `
export const BREWERS = `
    french press | moka pot | mokapot | aeropress | chemex | syphon | v60 | v 60 | kalita wave |
    phin | ibrik | cezve | south indian filter
  `
/** Names of products that clean machines and grinders, or treat their water. */
const CARE_BRANDS = 'cafiza | grindz | rinza | puly caff | puly | urnex | third wave water'

export const SUPPLIES = `
    cleaner | cleaners | cleaning tablets | cleaning powder | clean tablet | tablet | descaler |
    descaling | entkalker | ${CARE_BRANDS} |
    detergent | brush | filter papers | filter paper | paper filter | paper filters | filters |
    filter bags | coffee filter | water filter | filter cartridge | cloth | microfiber | lid |
    lids | sleeve | straw | stirrer | filterpapier | kaffeefilter |
    filterbeutel | filtertuten | filtres | filtres a cafe | filtros | filtros de papel | filtri |
    filtry | filtry papierowe | reiniger | descalcificador | odkamieniacz |
    コーヒーフィルター | ペーパーフィルター | フィルターペーパー | 커피필터 | 여과지 | 滤纸
  `
export const MERCHANDISE = `
    mug | mugs | cup | cups | tasse | tassen | kaffeetasse | kaffeebecher | becher | kubek | kubki |
    filizanka | filizanki | taza | tazas | tazza | tazze | マグカップ | マグ | カップ | 머그 | 머그컵 | 컵 |
    马克杯 | glass | glasses | glassware |
    tumbler | tumblers | saucer | tote | tote bag | t shirt | tshirt | tee | shirt | hoodie |
    sweatshirt | cap | hat | beanie | socks | apron | sticker | stickers | pin | enamel pin |
    cappuccino | latte | flat white | cortado | americano | demitasse | patch | poster | print |
    art print | journal | notebook | book | books | magazine | calendar | candle | candles |
    planner | diary | bookmark | magnet | keyring | lanyard | jacket | jersey | mousepad |
    soap | keychain | puzzle | playing cards | coasters | coaster | bag charm | umbrella |
    bandana | postcard | planter | scrub
  `
export const FOOD = `
    cacao | cocoa | kakao | cookie | cookies | biscuit | biscuits | biscotti | cake | cakes |
    brownie | brownies | bar | bars | toffee | eclair | candy |
    truffle | truffles | bonbon | bonbons | praline | pralines | granola | nuts | jam |
    marmalade | spread | butter | syrup | sirup | sauce | sugar | jaggery | salt | spice |
    pepper | honey jar | wildflower honey | raw honey | forest honey | chocolate bar |
    chocolate bars | chocolate covered | chocolate coated | hot chocolate | drinking chocolate |
    dragees | crackers | bread | sourdough | croissant | pastry | wafer | wafers | bites | mylk |
    caramels | fudge | nougat | marshmallow | marshmallows | gummies | lollipop | bonbons |
    oat milk | almond milk | oat drink | milk | protein | powder | snack | snacks | olive oil |
    ice cream | gelato | honey | schokolade | chocolat | cioccolato | czekolada | miod | cukierki
  `
export const TEA = `
    tea | teas | tee beutel | herbata | te verde | green tea | black tea | white tea | oolong |
    matcha | chai | masala chai | rooibos | tisane | herbal infusion | cascara | kombucha |
    steeping | steep | hojicha | sencha | yerba mate | coffee cherry tea | 茶 | 紅茶 | 抹茶
  `
export const DRINK = `
    ready to drink | rtd | can | cans | canned | cold coffee can | bottled | bottle | bottles |
    latte can | nitro cold brew can | iced latte | iced coffee can | coffee liqueur | liqueur |
    soda | tonic | beer | stout | gin | rum | whisky
  `
