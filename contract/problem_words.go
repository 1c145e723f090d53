package contract

import "strings"

// A form is an English text of a problem, with {} for each value, in two more languages. The values stand there in the
// same order.
type form struct{ english, kazakh, russian string }

// problemForms are all that a definition's or a purpose's check says of its own. What CEL's library, the readers of
// YAML and of amounts say stays theirs. The first that fits is taken, so what is more general stands behind.
var problemForms = []form{
	// what is wrong
	{"{} is no party; the end pays fixed parties", "{} тарап емес; аяқталу белгілі тараптарға төлейді",
		"{} — не сторона; завершение платит названным сторонам"},
	{"{} is no party", "{} деген тарап жоқ", "{} — не сторона"},
	{"{} is no asset of this contract", "{} бұл келісімшарттың активі емес", "{} — не актив этого договора"},
	{"{} is no asset", "{} актив емес", "{} — не актив"},
	{"no such variable of the state", "күйде мұндай айнымалы жоқ", "в состоянии нет такой переменной"},
	{"set twice in one action", "бір әрекетте екі рет қойылған", "задано дважды в одном действии"},
	{"estimated worst-case cost {}, at most {}", "есептелген ең көп шығыны {}, шегі {}",
		"оценка наибольшей стоимости {}, не больше {}"},
	{"estimated cost {}, at most {}", "есептелген шығыны {}, шегі {}", "оценка стоимости {}, не больше {}"},
	{"no amount", "сома жоқ", "нет суммы"},
	{"pays {}, and no action takes any", "{} төлейді, ал ешбір әрекет оны қабылдамайды",
		"платит {}, а ни одно действие этого не принимает"},
	{"pays {}", "{} төлейді", "платит {}"},
	{"expressions read document, and the action asks for none", "өрнектер құжатты оқиды, ал әрекет оны сұрамайды",
		"выражения читают документ, а действие его не просит"},
	{"expressions read paid.{}, and the action takes none",
		"өрнектер paid.{} мәнін оқиды, ал әрекет оны қабылдамайды",
		"выражения читают paid.{}, а действие этого не принимает"},
	{"nothing of {} is left after the rest was paid", "қалғаны төленген соң {} қалмайды",
		"от {} ничего не остаётся, когда остаток выплачен"},
	{"{} is not shown to be covered by what is held", "{} іштегі ақшамен жабылатыны көрсетілмеген",
		"не показано, что {} покрыто тем, что внутри"},
	{"{} is never covered by what is held", "{} іштегі ақшамен ешқашан жабылмайды",
		"{} никогда не покрыто тем, что внутри"},
	{"{} is {} covered by what is held", "{} іштегі ақшамен жабылуы: {}", "{} покрыто тем, что внутри: {}"},
	{"{} is no integer of the state", "{} күйдің бүтін саны емес", "{} — не целое число состояния"},
	{"{} actions, at most {}", "әрекет саны {}, шегі {}", "действий {}, не больше {}"},
	{"{} is no action, or stands twice", "{} әрекет емес немесе екі рет тұр", "{} — не действие или стоит дважды"},
	{"an action that ends the contract does not put its end off",
		"келісімшартты аяқтайтын әрекет оның соңын кейінге шегермейді",
		"действие, которое завершает договор, не откладывает его конец"},
	{"it exists from rules version 3 on; this network follows {}",
		"ол ережелердің 3-нұсқасынан бастап бар; бұл желінікі {}", "это есть с версии правил 3; у этой сети {}"},
	{"the end does {} by itself, and nobody brings that",
		"аяқталу {} әрекетін өзі жасайды, ал керегін ешкім әкелмейді",
		"завершение само делает {}, а нужное никто не приносит"},
	{"the end does {}, and it comes after all other times",
		"аяқталу {} әрекетін жасайды, ол барлық уақыттан кейін келеді",
		"завершение делает {}, и оно позже всех других сроков"},
	{"the end does {}, and nobody calls it: {} means nobody",
		"аяқталу {} әрекетін жасайды, оны ешкім шақырмайды: {} ешкімді білдірмейді",
		"завершение делает {}, и его никто не вызывает: {} никого не означает"},
	{"the end does {}, and nobody calls it", "аяқталу {} әрекетін жасайды, оны ешкім шақырмайды",
		"завершение делает {}, и его никто не вызывает"},
	{"at the end marks stay what they are: nobody answers for a mark",
		"аяқталғанда нысана өзгермейді: ол үшін ешкім жауап бермейді",
		"при завершении назначение не меняется: за него никто не отвечает"},
	{"{} characters, at most {}", "таңба саны {}, шегі {}", "знаков {}, не больше {}"},
	{"in `{}`: not an expression: {}", "`{}` ішінде: өрнек емес: {}", "в `{}`: не выражение: {}"},
	{"in `{}`: its cost cannot be estimated: {}", "`{}` ішінде: шығынын бағалау мүмкін емес: {}",
		"в `{}`: стоимость нельзя оценить: {}"},
	{"in `{}`: {}", "`{}` ішінде: {}", "в `{}`: {}"},
	{"`{}` is of type {}, want {}", "`{}` түрі {}, керегі {}", "тип `{}` — {}, а нужен {}"},
	{"`{}` can never be computed ({}): {}", "`{}` ешқашан есептелмейді ({}): {}",
		"`{}` нельзя вычислить никогда ({}): {}"},
	{"no contract of this definition can be made", "бұл анықтамамен келісімшарт жасалмайды",
		"по этому определению нельзя заключить договор"},
	{"can never be called: {}", "ешқашан шақырылмайды: {}", "нельзя вызвать никогда: {}"},
	{"{} can never be called", "{} ешқашан шақырылмайды", "{} нельзя вызвать никогда"},
	{"{} bytes, at most {}", "байт саны {}, шегі {}", "байтов {}, не больше {}"},
	{"neither YAML nor JSON: {}", "YAML да, JSON да емес: {}", "не YAML и не JSON: {}"},
	{"a second document after the first", "біріншісінен кейін екінші құжат тұр", "второй документ после первого"},
	{"nothing in it", "ішінде ештеңе жоқ", "в нём ничего нет"},
	{"want a mapping", "аты мен мәні бар жолдар керек", "нужны строки из имени и значения"},
	{"the name stands twice, or is none", "аты екі рет тұр немесе ат емес", "имя стоит дважды или это не имя"},
	{"no such key", "мұндай кілт жоқ", "нет такого ключа"},
	{"want a single value", "бір мән керек", "нужно одно значение"},
	{"{} is no type", "{} түр емес", "{} — не тип"},
	{"{} is neither", "{} екеуі де емес", "{} — ни то, ни другое"},
	{"{} is no number of shares", "{} үлес саны емес", "{} — не число долей"},
	{"{} is no number of payments", "{} төлем саны емес", "{} — не число платежей"},
	{"{} is no period of at most a year", "{} бір жылдан аспайтын мерзім емес", "{} — не срок до года"},
	{"missing", "жоқ", "отсутствует"},
	{"a permit says when, and what the money becomes", "рұқсат қашан екенін және ақша неге айналатынын айтады",
		"разрешение говорит, когда и чем деньги становятся"},
	{"{} is no time", "{} уақыт емес", "{} — не время"},
	{"{}: a name has 1 to 24 of a–z, 0–9, _", "{}: атта 1–24 таңба болады: a–z, 0–9, _",
		"{}: в имени от 1 до 24 знаков a–z, 0–9, _"},
	{"the name means something else in expressions", "өрнектерде бұл аттың басқа мағынасы бар",
		"в выражениях это имя значит другое"},
	{"creating only takes: it has by, when, document and takes",
		"жасау тек қабылдайды: онда by, when, document және takes бар",
		"создание только принимает: у него есть by, when, document и takes"},
	{"{} of them, want {} to {}", "саны {}, керегі {}–{}", "их {}, а нужно от {} до {}"},
	{"the name stands twice", "аты екі рет тұр", "имя стоит дважды"},
	{"no type", "түрі жоқ", "нет типа"},
	{"a contract has an end, when what is left is paid without anybody's doing",
		"келісімшарттың соңы болады: қалғаны сонда өздігінен төленеді",
		"у договора есть завершение: тогда остаток выплачивается сам"},
	{"the end pays nobody, so money could stay for ever", "аяқталу ешкімге төлемейді, ақша мәңгі қалуы мүмкін",
		"завершение никому не платит, и деньги могли бы остаться навсегда"},
	{"{} shares, want 1 to {}", "үлес саны {}, керегі 1–{}", "долей {}, а нужно от 1 до {}"},
	{"the party stands twice", "тарап екі рет тұр", "сторона стоит дважды"},
	{"never holds", "ешқашан орындалмайды", "не выполняется никогда"},
	{"always holds, so that those after it never decide", "әрқашан орындалады, сондықтан кейінгілері шешпейді",
		"выполняется всегда, и те, что после него, ничего не решают"},
	{"from is after until", "from мәні until мәнінен кейін", "from позже until"},
	{"{} is never true", "{} ешқашан дұрыс болмайды", "{} не бывает верно"},
	{"{} never holds; {} is only ever {}", "{} ешқашан орындалмайды; {} мәндері тек {}",
		"{} не выполняется никогда; {} бывает только {}"},
	{"from is the end or later, when the contract is gone",
		"from аяқталумен бірге не одан кейін, онда келісімшарт жоқ",
		"from не раньше завершения, когда договора уже нет"},
	{"from is not before until", "from мәні until мәнінен бұрын емес", "from не раньше until"},
	{"its conditions contradict each other, or its times", "шарттары бір-біріне немесе мерзімдеріне қайшы",
		"его условия противоречат друг другу или срокам"},
	{"the word means something else where purposes are named",
		"мақсат аталатын жерде бұл сөздің басқа мағынасы бар",
		"там, где называют назначения, это слово значит другое"},
	{"it is a number, and purposes have numbers", "бұл сан, ал мақсаттардың нөмірі бар",
		"это число, а у назначений есть номера"},
	{"it begins or ends with a space, or has two together",
		"басында не соңында бос орын бар немесе екеуі қатар тұр",
		"он начинается или кончается пробелом, или их два подряд"},
	{"the stroke stands between an agency's name and a purpose's",
		"қиғаш сызық мекеме мен мақсат аттарының арасында тұрады",
		"косая черта стоит между именами ведомства и назначения"},
	{"it has a character that cannot be seen, or that changes others",
		"онда көрінбейтін не басқаларын өзгертетін таңба бар", "в нём есть невидимый знак или знак, меняющий другие"},
	{"its letters are neither Latin, Cyrillic nor Greek", "әріптері латын да, кирилл де, грек те емес",
		"его буквы не латинские, не кириллические и не греческие"},
	{"a word of it mixes letters of two scripts", "бір сөзінде екі жазудың әріптері араласқан",
		"в одном слове смешаны буквы двух письменностей"},
	{"maps and objects are not allowed", "сөздіктер мен нысандарға рұқсат жоқ", "словари и объекты не разрешены"},
	{"only whole numbers, true, false, texts and bytes are allowed",
		"тек бүтін сандарға, true, false, мәтін мен байттарға рұқсат бар",
		"разрешены только целые числа, true, false, тексты и байты"},
	{"a list of {} items, at most {}", "тізімдегі саны {}, шегі {}", "в списке {}, не больше {}"},
	{"type {} is not allowed", "{} түріне рұқсат жоқ", "тип {} не разрешён"},
	{"{} parts, at most {}", "бөлік саны {}, шегі {}", "частей {}, не больше {}"},
	// what to write instead
	{"write one of the parties", "тараптардың бірін жазыңыз", "напишите одну из сторон"},
	{"write one of {}, or anyone", "мыналардың бірін жазыңыз: {}, немесе anyone", "напишите одно из: {}, или anyone"},
	{"write one of {}, or caller", "мыналардың бірін жазыңыз: {}, немесе caller", "напишите одно из: {}, или caller"},
	{"write one of {}", "мыналардың бірін жазыңыз: {}", "напишите одно из: {}"},
	{"declare it under state, or correct the name", "оны state ішінде жариялаңыз немесе атын түзетіңіз",
		"объявите её под state или исправьте имя"},
	{"set it once", "бір рет қойыңыз", "задайте один раз"},
	{"write an amount, or rest", "сома не rest жазыңыз", "напишите сумму или rest"},
	{"write a positive amount of tiyn, or leave the payout out",
		"тиынмен оң сома жазыңыз немесе төлемді алып тастаңыз",
		"напишите положительную сумму в тиынах или уберите выплату"},
	{"add `document: any`, or the hash that it must have", "`document: any` не керекті хешті қосыңыз",
		"добавьте `document: any` или нужный хеш"},
	{"add `takes: {}`, or an amount", "`takes: {}` не соманы қосыңыз", "добавьте `takes: {}` или сумму"},
	{"add `takes: {}` to create or to an action", "`takes: {}` жолын create не бір әрекетке қосыңыз",
		"добавьте `takes: {}` к create или к действию"},
	{"put it before the payout of the rest", "оны қалғанын төлеуден бұрын қойыңыз",
		"поставьте её до выплаты остатка"},
	{"write {}, or add to `when`: {}", "{} деп жазыңыз немесе `when` ішіне қосыңыз: {}",
		"напишите {} или добавьте к `when`: {}"},
	{"write state. and an integer of the state", "state. және күйдің бүтін санын жазыңыз",
		"напишите state. и целое число состояния"},
	{"write actions of the contract, each once", "келісімшарттың әрекеттерін бір реттен жазыңыз",
		"напишите действия договора, каждое один раз"},
	{"leave one of them out", "біреуін алып тастаңыз", "уберите одно из них"},
	{"propose the upgrade first", "алдымен жаңа ережелерді ұсыныңыз", "сначала предложите новые правила"},
	{"leave it out, or let the end do another action", "оны алып тастаңыз немесе аяқталу басқа әрекет жасасын",
		"уберите это или пусть завершение делает другое действие"},
	{"leave it out", "алып тастаңыз", "уберите это"},
	{"write a party", "тарапты жазыңыз", "напишите сторону"},
	{"name a party", "тарапты атаңыз", "назовите сторону"},
	{"split it", "бөліңіз", "разделите"},
	{"use int, bool, string, bytes and lists", "int, bool, string, bytes және тізімдерді қолданыңыз",
		"используйте int, bool, string, bytes и списки"},
	{"write an expression of type {}", "түрі {} болатын өрнек жазыңыз", "напишите выражение типа {}"},
	{"times are int in milliseconds (now, created, day); there are no doubles, dynamic types or regular " +
		"expressions", "уақыт – миллисекундпен int (now, created, day); double, динамикалық түр, регуляр өрнек жоқ",
		"время — int в миллисекундах (now, created, day); нет double, динамических типов и регулярных выражений"},
	{"known names: {}", "белгілі аттар: {}", "известные имена: {}"},
	{"amounts are whole tiyn; write a fraction as part(amount, 16, 100)",
		"сома бүтін тиынмен; бөлшекті part(amount, 16, 100) деп жазыңыз",
		"суммы — целые тиыны; долю напишите как part(amount, 16, 100)"},
	{"compare values of the same type", "түрі бірдей мәндерді салыстырыңыз", "сравнивайте значения одного типа"},
	{"write something that can be computed", "есептелетін нәрсе жазыңыз", "напишите то, что можно вычислить"},
	{"put it into a file of its own", "оны бөлек файлға салыңыз", "положите его в отдельный файл"},
	{"begin with {}", "{} деп бастаңыз", "начните с {}"},
	{"write `name: value` lines", "`name: value` жолдарын жазыңыз", "напишите строки `name: value`"},
	{"write one value", "бір мән жазыңыз", "напишите одно значение"},
	{"write int, bool, text, bytes or ints", "int, bool, text, bytes не ints жазыңыз",
		"напишите int, bool, text, bytes или ints"},
	{"write plain, any, or AGENCY/PURPOSE", "plain, any не AGENCY/PURPOSE жазыңыз",
		"напишите plain, any или AGENCY/PURPOSE"},
	{"write names of parties", "тараптардың атын жазыңыз", "напишите имена сторон"},
	{"write true or false", "true не false жазыңыз", "напишите true или false"},
	{"write a whole number of shares, such as 1, or a variable, such as state.paid; the end computes nothing",
		"үлестің бүтін санын (мысалы, 1) не айнымалыны (мысалы, state.paid) жазыңыз; аяқталу ештеңе есептемейді",
		"напишите целое число долей (например, 1) или переменную (например, state.paid); завершение ничего " +
			"не вычисляет"},
	{"write a whole number of shares", "үлестің бүтін санын жазыңыз", "напишите целое число долей"},
	{"write how often it may be paid on, such as 3; 0 for no limit",
		"неше рет әрі қарай төленетінін жазыңыз (мысалы, 3); шексіз болса, 0",
		"напишите, сколько раз можно платить дальше (например, 3); 0 — без предела"},
	{"write how long before an amendment it is announced, such as 14d; leave it out if there can be none",
		"түзету қанша бұрын жарияланатынын жазыңыз (мысалы, 14d); түзету болмаса, алып тастаңыз",
		"напишите, за сколько объявляется поправка (например, 14d); уберите, если поправок не бывает"},
	{"add a line {}", "{} жолын қосыңыз", "добавьте строку {}"},
	{"write {when: CONDITION, becomes: plain}, or same, or a purpose",
		"{when: CONDITION, becomes: plain}, same не мақсат жазыңыз",
		"напишите {when: CONDITION, becomes: plain}, same или назначение"},
	{"write an amount in tenge, such as 3000 or 3000.50", "соманы теңгемен жазыңыз, мысалы 3000 не 3000.50",
		"напишите сумму в тенге, например 3000 или 3000.50"},
	{"write a time such as 2026-09-01T00:00:00+05:00, or a day",
		"2026-09-01T00:00:00+05:00 сияқты уақытты не күнді жазыңыз",
		"напишите время вида 2026-09-01T00:00:00+05:00 или день"},
	{"make it shorter", "қысқартыңыз", "сократите"},
	{"choose another name", "басқа ат таңдаңыз", "выберите другое имя"},
	{"move it to an action", "оны бір әрекетке көшіріңіз", "перенесите в действие"},
	{"add the shares together", "үлестерді қосыңыз", "сложите доли"},
	{"make it simpler", "қарапайымдатыңыз", "упростите"},
	{"write who may, such as {}", "кім алатынын жазыңыз, мысалы {}", "напишите, кто может, например {}"},
	{"put it last", "соңына қойыңыз", "поставьте последним"},
	{"make the rules simpler, or fewer", "ережелерді қарапайымдатыңыз не азайтыңыз",
		"упростите правила или уменьшите их число"},
	{"correct the guard or the values that are set, or remove the action",
		"шартын не қойылатын мәндерді түзетіңіз, немесе әрекетті алып тастаңыз",
		"исправьте условие или задаваемые значения или уберите действие"},
	{"write a time before the end, such as ends - day; what nobody has taken by then is paid as `end` " +
		"says: write there who has it",
		"соңынан бұрынғы уақытты жазыңыз (мысалы, ends - day); ол кезде ешкім алмағаны `end` айтқанша " +
			"төленеді: кімге екенін сонда жазыңыз",
		"напишите время до конца (например, ends - day); что никто не взял, платится, как сказано в `end`: " +
			"напишите там, кому"},
	{"correct the guard or the times, or remove the action",
		"шартын не мерзімдерін түзетіңіз, немесе әрекетті алып тастаңыз",
		"исправьте условие или сроки или уберите действие"},
	{"split the action, or take fewer and shorter lists and fewer signatures",
		"әрекетті бөліңіз не тізімдер мен қолтаңбаларды азайтып, қысқартыңыз",
		"разделите действие или возьмите меньше списков и подписей и короче"},
	{"let it do fewer or simpler actions", "азырақ не қарапайым әрекет жасасын",
		"пусть делает меньше действий или проще"},
	{"make where the variables start simpler", "айнымалылардың бастапқы мәнін қарапайымдатыңыз",
		"упростите начальные значения переменных"},
	{"write times between which there is one", "арасында уақыт қалатын мерзімдер жазыңыз",
		"напишите сроки, между которыми есть время"},
	{"write {}", "{} деп жазыңыз", "напишите {}"},
}

// valuesIn are the values of a text that a form fits, in order.
func (f *form) valuesIn(text string) (values []string, fits bool) {
	between := strings.Split(f.english, "{}")
	last := len(between) - 1
	text, fits = strings.CutPrefix(text, between[0])
	if last == 0 {
		return nil, fits && text == ""
	}
	for _, piece := range between[1:last] {
		value, rest, found := strings.Cut(text, piece)
		if !found || value == "" {
			return nil, false
		}
		values, text = append(values, value), rest
	}
	value, ends := strings.CutSuffix(text, between[last])
	return append(values, value), fits && ends && value != ""
}

// problemText is an English text of a problem in a language; values that are such texts themselves too. What no form
// fits stays English, as what a library says.
func problemText(l Language, english string) string {
	if l == English || english == "" {
		return english
	}
	for i := range problemForms {
		values, fits := problemForms[i].valuesIn(english)
		if !fits {
			continue
		}
		text := problemForms[i].russian
		if l == Kazakh {
			text = problemForms[i].kazakh
		}
		var said strings.Builder
		for _, value := range values {
			before, rest, _ := strings.Cut(text, "{}")
			said.WriteString(before + problemText(l, value))
			text = rest
		}
		return said.String() + text
	}
	return english
}

// In is the problem in one line of a language, as String is in English.
func (p Problem) In(l Language) string {
	return Problem{Where: p.Where, What: problemText(l, p.What), Write: problemText(l, p.Write)}.String()
}
