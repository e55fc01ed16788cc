//! What the tea shop Leaf & Kettle sells: three things each of four kinds. The drawings are ours, in `api/demo`.

/// A product of the demo.
pub(super) struct Product {
    pub(super) sku: &'static str,
    /// In USD.
    pub(super) price: &'static str,
    /// The slug of its category.
    pub(super) category: &'static str,
    pub(super) featured: bool,
    /// Whether it is sent as a file, to no address.
    pub(super) digital: bool,
    /// Its drawing, as SVG.
    pub(super) drawing: &'static str,
    pub(super) en: Words,
    pub(super) ko: Words,
    pub(super) zh: Words,
}

/// A name and a description.
pub(super) type Words = (&'static str, &'static str);

/// A category of the demo: its slug, and its name in English, Korean and Chinese.
pub(super) const CATEGORIES: [(&str, &str, &str, &str); 4] = [
    ("green", "Green tea", "녹차", "绿茶"),
    ("black", "Black tea", "홍차", "红茶"),
    ("herbal", "Herbal", "허브차", "花草茶"),
    ("teaware", "Teaware", "다구", "茶具"),
];

macro_rules! drawing {
    ($name:literal) => {
        include_str!(concat!("../../../demo/", $name, ".svg"))
    };
}

pub(super) const PRODUCTS: [Product; 12] = [
    Product {
        sku: "TEA-GREEN",
        price: "12.00",
        category: "green",
        featured: true,
        digital: false,
        drawing: drawing!("sencha"),
        en: (
            "Sencha, first flush",
            "Steamed the morning it is picked, in Shizuoka: sea breeze, cut grass, a sweet end. 100 g.\n\
             Brew at 70 °C for a minute, then again.",
        ),
        ko: (
            "센차, 첫물차",
            "시즈오카에서 딴 날 아침에 바로 쪄 냈습니다. 바닷바람과 갓 벤 풀 향, 달콤한 끝맛. 100 g.\n\
             70 °C에서 1분, 그리고 한 번 더 우려 드세요.",
        ),
        zh: (
            "煎茶（头采）",
            "产自静冈，采摘当日清晨即蒸青：海风、青草，尾韵甘甜。100 克。\n\
             70 °C 冲泡一分钟，之后可再泡一次。",
        ),
    },
    Product {
        sku: "TEA-JASMINE",
        price: "16.80",
        category: "green",
        featured: true,
        digital: false,
        drawing: drawing!("jasmine"),
        en: (
            "Jasmine pearls",
            "Young leaves rolled by hand and laid among jasmine blossoms for five nights. 75 g.\n\
             They unfurl as you watch; good for three pots.",
        ),
        ko: (
            "재스민 펄",
            "어린잎을 손으로 말아 닷새 밤을 재스민 꽃 사이에 두었습니다. 75 g.\n\
             눈앞에서 천천히 펴지며, 세 번까지 우릴 수 있습니다.",
        ),
        zh: (
            "茉莉龙珠",
            "手工揉捻的嫩芽，与茉莉鲜花同窨五夜。75 克。\n\
             看它在水中慢慢舒展，可泡三壶。",
        ),
    },
    Product {
        sku: "TEA-MATCHA",
        price: "24.00",
        category: "green",
        featured: true,
        digital: false,
        drawing: drawing!("matcha"),
        en: (
            "Matcha, ceremonial",
            "Stone-ground in small lots, bright as moss. 30 g.\n\
             Whisk a teaspoon with a little hot water, and sit down for it.",
        ),
        ko: (
            "의식용 말차",
            "맷돌로 조금씩 갈아 이끼처럼 선명합니다. 30 g.\n\
             한 티스푼을 따뜻한 물에 풀어, 앉아서 천천히 드세요.",
        ),
        zh: (
            "仪式级抹茶",
            "小批量石磨研制，色泽鲜亮如苔。30 克。\n\
             取一茶匙，加少许热水点开，坐下来慢慢喝。",
        ),
    },
    Product {
        sku: "TEA-ASSAM",
        price: "10.40",
        category: "black",
        featured: true,
        digital: false,
        drawing: drawing!("assam"),
        en: (
            "Assam, second flush",
            "Malty and copper-red, from one garden by the Brahmaputra. 125 g.\n\
             Takes milk without flinching; the reason to get up.",
        ),
        ko: (
            "아삼, 두물차",
            "브라마푸트라 강가의 한 다원에서 온, 맥아 향이 나는 구릿빛 홍차. 125 g.\n\
             우유를 넣어도 흔들림이 없습니다. 아침에 일어날 이유가 됩니다.",
        ),
        zh: (
            "阿萨姆（次摘）",
            "出自布拉马普特拉河畔的单一茶园，麦芽香浓，汤色铜红。125 克。\n\
             加奶也毫不逊色，是起床的理由。",
        ),
    },
    Product {
        sku: "TEA-EARLGREY",
        price: "11.20",
        category: "black",
        featured: true,
        digital: false,
        drawing: drawing!("earl-grey"),
        en: (
            "Earl Grey with real bergamot",
            "Ceylon leaves and cold-pressed oil of Calabrian bergamot, nothing else. 125 g.\n\
             Clear, fragrant, not at all like soap.",
        ),
        ko: (
            "진짜 베르가모트 얼그레이",
            "실론 찻잎과 칼라브리아산 베르가모트를 냉압착한 오일, 그뿐입니다. 125 g.\n\
             맑고 향기로우며, 비누 같은 향은 전혀 없습니다.",
        ),
        zh: (
            "真佛手柑伯爵茶",
            "锡兰茶叶，加卡拉布里亚佛手柑冷压精油，别无他物。125 克。\n\
             清澈芬芳，绝无皂味。",
        ),
    },
    Product {
        sku: "TEA-LAPSANG",
        price: "13.60",
        category: "black",
        featured: false,
        digital: false,
        drawing: drawing!("lapsang"),
        en: (
            "Lapsang souchong",
            "Dried over pine fires in the Wuyi mountains. 100 g.\n\
             A campfire in a cup: people love it or leave the room.",
        ),
        ko: (
            "정산소종",
            "우이산에서 소나무 불로 말렸습니다. 100 g.\n\
             찻잔 속의 모닥불. 사랑에 빠지거나, 자리를 피하거나 둘 중 하나입니다.",
        ),
        zh: (
            "正山小种",
            "武夷山中以松木烟火焙干。100 克。\n\
             杯中的一堆篝火：要么爱上它，要么离席。",
        ),
    },
    Product {
        sku: "HERB-MINT",
        price: "7.90",
        category: "herbal",
        featured: true,
        digital: false,
        drawing: drawing!("mint"),
        en: (
            "Moroccan mint",
            "Spearmint, cut and dried within the hour. 60 g.\n\
             Cool on its own; with a spoon of sugar and some sencha it is what you had in Fez.",
        ),
        ko: (
            "모로코 민트",
            "베어 낸 지 한 시간 안에 말린 스피어민트. 60 g.\n\
             그대로도 시원하고, 설탕 한 숟갈과 센차를 더하면 페스에서 마시던 그 맛입니다.",
        ),
        zh: (
            "摩洛哥薄荷",
            "留兰香采下后一小时内烘干。60 克。\n\
             单泡清凉；加一勺糖和少许煎茶，就是在非斯喝过的味道。",
        ),
    },
    Product {
        sku: "HERB-CHAMOMILE",
        price: "8.20",
        category: "herbal",
        featured: true,
        digital: false,
        drawing: drawing!("chamomile"),
        en: (
            "Chamomile blossoms",
            "Whole flower heads, no dust, from a farm in Bohemia. 50 g.\n\
             Apples and hay, and a good night.",
        ),
        ko: (
            "캐모마일 꽃송이",
            "보헤미아의 농장에서 온, 부스러기 없는 온전한 꽃송이. 50 g.\n\
             사과와 건초 향, 그리고 편안한 밤.",
        ),
        zh: (
            "洋甘菊花",
            "来自波希米亚的农场，整朵花头，不含碎末。50 克。\n\
             苹果与干草的香气，一夜好眠。",
        ),
    },
    Product {
        sku: "HERB-ROOIBOS",
        price: "8.60",
        category: "herbal",
        featured: false,
        digital: false,
        drawing: drawing!("rooibos"),
        en: (
            "Rooibos, unsmoked",
            "Red bush from the Cederberg, soft as honey and free of caffeine. 100 g.\n\
             Can't be brewed too long, even if you forget it.",
        ),
        ko: (
            "루이보스, 훈연하지 않은",
            "세더버그에서 자란 붉은 덤불. 꿀처럼 부드럽고 카페인이 없습니다. 100 g.\n\
             깜빡 잊고 오래 우려도 떫어지지 않습니다.",
        ),
        zh: (
            "路易波士（非烟熏）",
            "来自塞德堡山的红灌木，柔和如蜜，不含咖啡因。100 克。\n\
             泡得再久也不会涩，忘了也没关系。",
        ),
    },
    Product {
        sku: "CUP",
        price: "18.00",
        category: "teaware",
        featured: true,
        digital: false,
        drawing: drawing!("cup"),
        en: (
            "Cup, celadon glaze",
            "Thrown by hand, thin at the lip, with a ring of grey where the glaze ran. Holds 180 ml.\n\
             No two are alike; yours will be the one you pick up first.",
        ),
        ko: (
            "청자 유약 찻잔",
            "손으로 빚어 입술 닿는 곳이 얇고, 유약이 흐른 자리에 회색 띠가 남았습니다. 용량 180 ml.\n\
             똑같은 것은 하나도 없습니다. 가장 먼저 손이 가는 것이 당신의 잔입니다.",
        ),
        zh: (
            "青釉茶杯",
            "手工拉坯，杯口纤薄，釉水流过处留下一圈灰色。容量 180 毫升。\n\
             没有两只完全相同，你最先拿起的那只就是你的。",
        ),
    },
    Product {
        sku: "KETTLE-POUR",
        price: "64.00",
        category: "teaware",
        featured: true,
        digital: false,
        drawing: drawing!("kettle"),
        en: (
            "Pouring kettle, 0.9 l",
            "Brushed steel with a long spout that pours where you look, and a thermometer in the lid.\n\
             For gas, electric and induction.",
        ),
        ko: (
            "드립 주전자, 0.9 l",
            "눈길 가는 대로 물줄기가 따라가는 긴 주둥이, 뚜껑에 온도계를 단 무광 스테인리스 주전자.\n\
             가스, 전기, 인덕션 모두 쓸 수 있습니다.",
        ),
        zh: (
            "细口手冲壶（0.9 升）",
            "拉丝不锈钢，细长壶嘴指哪注哪，壶盖带温度计。\n\
             明火、电炉、电磁炉皆可使用。",
        ),
    },
    Product {
        sku: "GUIDE-BREWING",
        price: "6.00",
        category: "teaware",
        featured: false,
        digital: true,
        drawing: drawing!("guide"),
        en: (
            "The patient brewer: a guide",
            "Forty pages on water, heat and time, with a table for every tea we sell. A PDF, by mail.\n\
             Read it while the kettle sings.",
        ),
        ko: (
            "느긋하게 우리는 법: 안내서",
            "물과 온도, 시간에 대한 40쪽과 저희가 파는 모든 차의 우림표. PDF로 메일로 보내 드립니다.\n\
             주전자가 노래하는 동안 읽어 보세요.",
        ),
        zh: (
            "《慢慢泡茶》指南",
            "四十页讲水、火候与时间，并附本店每款茶的冲泡表。PDF 格式，邮件发送。\n\
             趁壶中水响时读。",
        ),
    },
];
