package advise

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Languages of the advice.
var Languages = []string{"en", "kk", "ru"}

// Advice is the recommended strategy in words.
type Advice struct {
	Headline string   `json:"headline"`
	Steps    []string `json:"steps"`
	Reasons  []string `json:"reasons"`
	RunnerUp string   `json:"runnerUp"`
	Changes  []string `json:"changes"`
	Notes    []string `json:"notes"`
}

// phrases: English, Kazakh, Russian. Arguments are numbers as they are already written, so that each language may order them.
var phrases = map[string][3]string{
	"headline best":    {"Recommended: follow this plan. Its mean net present value is %[1]s, the mean of the worst 5 %% is %[2]s.", "Ұсыныс: осы жоспарды орындаңыз. Таза келтірілген құнның орташасы %[1]s, ең нашар 5 %%-дың орташасы %[2]s.", "Рекомендация: следовать этому плану. Средняя чистая приведённая стоимость %[1]s, среднее худших 5 %% — %[2]s."},
	"headline second":  {"Recommended: follow the second plan (%[1]s on average); the search was not exact.", "Ұсыныс: екінші жоспарды орындаңыз (орташа %[1]s); іздеу толық болмады.", "Рекомендация: следовать второму плану (в среднем %[1]s); поиск не был точным."},
	"headline as-is":   {"Recommended: change nothing. The farm as it is has a mean net present value of %[1]s, the mean of the worst 5 %% is %[2]s.", "Ұсыныс: ештеңе өзгертпеңіз. Ферманың қазіргі қалпындағы таза келтірілген құнының орташасы %[1]s, ең нашар 5 %%-дың орташасы %[2]s.", "Рекомендация: ничего не менять. Средняя чистая приведённая стоимость фермы как есть %[1]s, среднее худших 5 %% — %[2]s."},
	"headline coins":   {"Recommended: buy no machines. The same money in bitcoin beside the farm as it is comes to %[1]s on average, the mean of the worst 5 %% is %[2]s.", "Ұсыныс: машина сатып алмаңыз. Ферма өзгеріссіз, ал сол ақша биткоинде болса, орташа %[1]s, ең нашар 5 %%-дың орташасы %[2]s.", "Рекомендация: машин не покупать. Те же деньги в биткоинах при ферме как есть дают в среднем %[1]s, среднее худших 5 %% — %[2]s."},
	"headline tenge":   {"Recommended: buy no machines. The same money in the bank beside the farm as it is comes to %[1]s on average, the mean of the worst 5 %% is %[2]s.", "Ұсыныс: машина сатып алмаңыз. Ферма өзгеріссіз, ал сол ақша банкте болса, орташа %[1]s, ең нашар 5 %%-дың орташасы %[2]s.", "Рекомендация: машин не покупать. Те же деньги в банке при ферме как есть дают в среднем %[1]s, среднее худших 5 %% — %[2]s."},
	"step buy":         {"%[1]s: buy %[2]s × %[3]s for %[4]s.", "%[1]s: %[2]s × %[3]s сатып алыңыз, құны %[4]s.", "%[1]s: купить %[2]s × %[3]s за %[4]s."},
	"step retire":      {"%[1]s: retire %[2]s × %[3]s.", "%[1]s: %[2]s × %[3]s пайдаланудан шығарыңыз.", "%[1]s: вывести из работы %[2]s × %[3]s."},
	"step keep":        {"Keep %[1]s × %[2]s to the end; they stand still in months in which they would not earn their power.", "%[1]s × %[2]s соңына дейін қалсын; қуатын өтемейтін айларда олар тоқтап тұрады.", "Оставить %[1]s × %[2]s до конца; в месяцы, когда они не окупают энергию, они стоят."},
	"step nothing":     {"Buy no machines.", "Машина сатып алмаңыз.", "Машин не покупать."},
	"step as it is":    {"Leave the machines as they are; they stand still in months in which they would not earn their power.", "Машиналарды сол күйі қалдырыңыз; қуатын өтемейтін айларда олар тоқтап тұрады.", "Машины оставить как есть; в месяцы, когда они не окупают энергию, они стоят."},
	"step coins":       {"%[1]s: put %[2]s into bitcoin and keep it to the plan's end.", "%[1]s: %[2]s биткоинге салып, жоспар соңына дейін ұстаңыз.", "%[1]s: вложить %[2]s в биткоин и держать до конца плана."},
	"step tenge":       {"%[1]s: put %[2]s into the bank.", "%[1]s: %[2]s банкке салыңыз.", "%[1]s: положить %[2]s в банк."},
	"step instead":     {"The best with machines would be: %[1]s", "Машиналармен ең жақсысы: %[1]s", "Лучшее с машинами было бы: %[1]s"},
	"step hold":        {"Sell what the law asks; of the rest keep %[1]s to the end.", "Заң талап еткенін сатыңыз; қалғанының %[1]s бөлігін соңына дейін сақтаңыз.", "Продавать то, чего требует закон; из остального %[1]s держать до конца."},
	"step sell":        {"Sell every coin as it comes.", "Әр монетаны түскен бойда сатыңыз.", "Продавать каждую монету сразу."},
	"reason buy":       {"%[1]s × %[2]s (%[3]s): without them the mean would be %[4]s lower, and mean less risk %[5]s lower.", "%[1]s × %[2]s (%[3]s): оларсыз орташа мән %[4]s, ал тәуекелді шегергендегі орташа %[5]s кем болар еді.", "%[1]s × %[2]s (%[3]s): без них среднее было бы ниже на %[4]s, а среднее за вычетом риска — на %[5]s."},
	"reason retire":    {"Retiring %[1]s × %[2]s: keeping them would lower the mean by %[3]s.", "%[1]s × %[2]s шығару: оларды қалдыру орташаны %[3]s төмендетер еді.", "Вывод %[1]s × %[2]s: если их оставить, среднее снизится на %[3]s."},
	"reason hold":      {"Keeping coins: selling them all at once would change mean less risk by %[1]s.", "Монеталарды сақтау: бәрін бірден сату тәуекелді шегергендегі орташаны %[1]s өзгертер еді.", "Хранение монет: немедленная продажа изменила бы среднее за вычетом риска на %[1]s."},
	"reason as-is":     {"Against the farm as it is: mean %[1]s, mean of the worst 5 %% %[2]s.", "Ферманың қазіргі қалпымен салыстырғанда: орташа %[1]s, ең нашар 5 %% орташасы %[2]s.", "Против фермы как есть: среднее %[1]s, среднее худших 5 %% %[2]s."},
	"reason coins":     {"Against the same money in bitcoin: mean %[1]s, mean of the worst 5 %% %[2]s.", "Сол ақшаны биткоинде ұстаумен салыстырғанда: орташа %[1]s, ең нашар 5 %% орташасы %[2]s.", "Против тех же денег в биткоинах: среднее %[1]s, среднее худших 5 %% %[2]s."},
	"reason tenge":     {"Against the same money in the bank: mean %[1]s, mean of the worst 5 %% %[2]s.", "Сол ақшаны банкте ұстаумен салыстырғанда: орташа %[1]s, ең нашар 5 %% орташасы %[2]s.", "Против тех же денег в банке: среднее %[1]s, среднее худших 5 %% %[2]s."},
	"reason power":     {"Power: at most %[1]s of %[2]s kW are used.", "Қуат: %[2]s кВт-тың ең көбі %[1]s пайдаланылады.", "Мощность: используется не более %[1]s из %[2]s кВт."},
	"reason capital":   {"Capital: %[1]s of %[2]s are spent.", "Капитал: %[2]s ішінен %[1]s жұмсалады.", "Капитал: тратится %[1]s из %[2]s."},
	"reason irr":       {"What the plan adds: internal rate %[1]s a year, payback after %[2]s months.", "Жоспар қосатыны: ішкі табыстылық жылына %[1]s, өтелу мерзімі %[2]s ай.", "Что добавляет план: внутренняя норма %[1]s в год, окупаемость за %[2]s месяцев."},
	"reason never":     {"What the plan adds: internal rate %[1]s a year; it does not pay back within the plan.", "Жоспар қосатыны: ішкі табыстылық жылына %[1]s; жоспар мерзімінде өтелмейді.", "Что добавляет план: внутренняя норма %[1]s в год; за срок плана не окупается."},
	"several roots":    {"Warning: the flows have %[1]s internal rates (%[2]s); none of them can be relied on. Look at the net present value.", "Ескерту: ағындардың %[1]s ішкі нормасы бар (%[2]s); ешқайсысына сенуге болмайды. Таза келтірілген құнға қараңыз.", "Внимание: у потоков %[1]s внутренних нормы (%[2]s); ни на одну нельзя полагаться. Смотрите на приведённую стоимость."},
	"runner-up":        {"Second: %[1]s Mean %[2]s, mean less risk %[3]s below the first.", "Екінші: %[1]s Орташасы %[2]s, тәуекелді шегергендегі орташасы біріншіден %[3]s төмен.", "Второй: %[1]s Среднее %[2]s, среднее за вычетом риска на %[3]s ниже первого."},
	"no runner-up":     {"There is no second plan on the grid.", "Торда екінші жоспар жоқ.", "Второго плана на сетке нет."},
	"change":           {"If %[1]s changed by %[2]s or more, better would be: %[3]s.", "Егер %[1]s %[2]s немесе одан көп өзгерсе, мынау тиімдірек: %[3]s.", "Если %[1]s изменится на %[2]s или сильнее, лучше: %[3]s."},
	"no change":        {"No change of bitcoin's price, power, difficulty or machines' price between half and double would change the advice.", "Биткоин бағасының, қуаттың, күрделіліктің немесе машина бағасының екі есе аралықтағы өзгерісі кеңесті өзгертпейді.", "Ни цена биткоина, ни энергия, ни сложность, ни цена машин в пределах от половины до двойной не меняют совета."},
	"even power":       {"The plan's mean is zero at a tariff of %[1]s a kWh (%[2]s of today's).", "Жоспардың орташасы кВт·сағ тарифі %[1]s болғанда нөлге тең (бүгінгінің %[2]s).", "Среднее плана равно нулю при тарифе %[1]s за кВт·ч (%[2]s нынешнего)."},
	"even bitcoin":     {"The plan's mean is zero when a bitcoin costs %[1]s today (%[2]s of the plan's price), the network answering.", "Биткоин бүгін %[1]s тұрса (жоспардағы бағаның %[2]s), желі жауап бергенде жоспардың орташасы нөлге тең.", "Среднее плана равно нулю, если биткоин стоит сегодня %[1]s (%[2]s цены плана), с учётом ответа сети."},
	"exact":            {"Nothing on the grid is better (branch and bound, %[1]s nodes).", "Торда бұдан жақсысы жоқ (тармақтар мен шекаралар әдісі, %[1]s түйін).", "На сетке нет ничего лучше (ветви и границы, %[1]s узлов)."},
	"gap":              {"The search ended at %[1]s nodes: something on the grid may be better by up to %[2]s.", "Іздеу %[1]s түйінде аяқталды: торда ең көбі %[2]s жақсырағы болуы мүмкін.", "Поиск закончен на %[1]s узлах: на сетке может найтись лучшее не более чем на %[2]s."},
	"rate":             {"A dollar is %[1]s on %[2]s.", "%[2]s күні доллар %[1]s.", "Доллар — %[1]s на %[2]s."},
	"input bitcoin":    {"bitcoin's price", "биткоин бағасы", "цена биткоина"},
	"input power":      {"the price of power", "қуат бағасы", "цена энергии"},
	"input difficulty": {"the network's difficulty", "желі күрделілігі", "сложность сети"},
	"input machines":   {"the price of machines", "машина бағасы", "цена машин"},
	"input dollar":     {"the dollar", "доллар бағамы", "курс доллара"},
	"input uptime":     {"uptime", "жұмыс уақыты", "время работы"},
	"input elasticity": {"how strongly miners answer", "майнерлердің жауап күші", "сила ответа майнеров"},
	"input discount":   {"the discount rate", "дисконт мөлшерлемесі", "ставка дисконта"},
	"input levy":       {"the levy", "төлемақы", "плата за майнинг"},
	"way best":         {"this plan", "осы жоспар", "этот план"},
	"way second":       {"the second plan", "екінші жоспар", "второй план"},
	"way as-is":        {"the farm as it is", "ферманың қазіргі қалпы", "ферма как есть"},
	"way coins":        {"the same money in bitcoin", "сол ақша биткоинде", "те же деньги в биткоинах"},
	"way tenge":        {"the same money in the bank", "сол ақша банкте", "те же деньги в банке"},
	"million":          {"million ₸", "млн ₸", "млн ₸"},
	"buy short":        {"buy %[1]s × %[2]s in %[3]s;", "%[3]s айында %[1]s × %[2]s сатып алу;", "купить %[1]s × %[2]s в %[3]s;"},
	"retire short":     {"retire %[1]s × %[2]s in %[3]s;", "%[3]s айында %[1]s × %[2]s шығару;", "вывести %[1]s × %[2]s в %[3]s;"},
	"hold short":       {"keep %[1]s of the free coins;", "бос монеталардың %[1]s сақтау;", "держать %[1]s свободных монет;"},
	"change nothing":   {"change nothing;", "ештеңе өзгертпеу;", "ничего не менять;"},
	"year":             {"year (means)", "жыл (орташа)", "год (средние)"},
	"coins":            {"coins", "монета", "монеты"},
	"power and levy":   {"power, levy", "қуат, төлем", "энергия"},
	"profit tax":       {"profit tax", "табыс салығы", "налог"},
	"cash":             {"cash", "ақша", "деньги"},
	"probability":      {"chance of a loss", "шығын ықтималдығы", "вероятность убытка"},
	"mean":             {"mean", "орташа", "среднее"},
}

// Teller writes in one language.
type Teller struct{ index int }

// In chooses a language: en, kk, ru.
func In(language string) Teller {
	for i, l := range Languages {
		if l == language {
			return Teller{i}
		}
	}
	return Teller{0}
}

// Say fills a phrase.
func (t Teller) Say(key string, args ...any) string {
	phrase := phrases[key][t.index]
	if len(args) == 0 {
		return strings.ReplaceAll(phrase, "%%", "%")
	}
	return fmt.Sprintf(phrase, args...)
}

// Number has the language's decimal sign and thin spaces between thousands.
func (t Teller) Number(v float64, decimals int) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(c)
	}
	if fraction != "" {
		point := "."
		if t.index > 0 {
			point = ","
		}
		b.WriteString(point + fraction)
	}
	if v < 0 && strings.Trim(text, "0.") != "" {
		return "−" + b.String()
	}
	return b.String()
}

// Millions of tenge.
func (t Teller) Millions(tenge float64) string {
	return t.Number(tenge/1e6, 1) + " " + t.Say("million")
}

// Signed millions, with a plus.
func (t Teller) Signed(tenge float64) string {
	if tenge > 0 {
		return "+" + t.Millions(tenge)
	}
	return t.Millions(tenge)
}

// Percent of a fraction, with a sign when asked.
func (t Teller) Percent(fraction float64, signed bool) string {
	text := t.Number(100*fraction, 0) + " %"
	if signed && fraction > 0 {
		return "+" + text
	}
	return text
}
