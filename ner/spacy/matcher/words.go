package matcher

// The words and names in this file are those of spaCy (spacy/lang/lex_attrs.py,
// spacy/lang/en/lex_attrs.py and stop_words.py).

// numWords has the English words for numbers and ordinal numbers.
var numWords = wordSet(`
	zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
	fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy
	eighty ninety hundred thousand million billion trillion quadrillion quintillion
	sextillion septillion octillion nonillion decillion gajillion bazillion
	first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
	thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
	thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth hundredth
	thousandth millionth billionth trillionth quadrillionth quintillionth sextillionth
	septillionth octillionth nonillionth decillionth gajillionth bazillionth`)

// topLevel has the top level domains by which a token is like a URL.
var topLevel = wordSet(`
	com org edu gov net mil aero asia biz cat coop info int jobs mobi museum name pro tel
	travel xyz icu xxx ac ad ae af ag ai al am an ao aq ar as at au aw ax az ba bb bd be bf
	bg bh bi bj bm bn bo br bs bt bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cs cu
	cv cx cy cz dd de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm fo fr ga gb gd ge
	gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir
	is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma
	mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no
	np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd
	se sg sh si sj sk sl sm sn so sr ss st su sv sy sz tc td tf tg th tj tk tl tm tn to tp
	tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw`)

// stopWords has the English stop words.
var stopWords = wordSet(`
	'd 'll 'm 're 's 've a about above across after afterwards again against all almost
	alone along already also although always am among amongst amount an and another any
	anyhow anyone anything anyway anywhere are around as at back be became because become
	becomes becoming been before beforehand behind being below beside besides between beyond
	both bottom but by ca call can cannot could did do does doing done down due during each
	eight either eleven else elsewhere empty enough even ever every everyone everything
	everywhere except few fifteen fifty first five for former formerly forty four from front
	full further get give go had has have he hence her here hereafter hereby herein hereupon
	hers herself him himself his how however hundred i if in indeed into is it its itself
	just keep last latter latterly least less made make many may me meanwhile might mine
	more moreover most mostly move much must my myself n't name namely neither never
	nevertheless next nine no nobody none noone nor not nothing now nowhere n‘t n’t of off
	often on once one only onto or other others otherwise our ours ourselves out over own
	part per perhaps please put quite rather re really regarding same say see seem seemed
	seeming seems serious several she should show side since six sixty so some somehow
	someone something sometime sometimes somewhere still such take ten than that the their
	them themselves then thence there thereafter thereby therefore therein thereupon these
	they third this those though three through throughout thru thus to together too top
	toward towards twelve twenty two under unless until up upon us used using various very
	via was we well were what whatever when whence whenever where whereafter whereas whereby
	wherein whereupon wherever whether which while whither who whoever whole whom whose why
	will with within without would yet you your yours yourself yourselves ‘d ‘ll ‘m ‘re ‘s
	‘ve ’d ’ll ’m ’re ’s ’ve`)
