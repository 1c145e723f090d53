package page

import "github.com/aqsha/aqsha/farm"

// words: English, Kazakh, Russian.
var words = map[string][3]string{
	"title":      {"Farm plan", "Ферма жоспары", "План фермы"},
	"advice":     {"What to do", "Не істеу керек", "Что делать"},
	"why":        {"Why", "Неге", "Почему"},
	"change":     {"What would change the advice", "Кеңесті не өзгертер еді", "Что изменило бы совет"},
	"ways":       {"The ways beside each other, million ₸ of present value", "Жолдарды салыстыру, келтірілген құн, млн ₸", "Варианты рядом, млн ₸ приведённой стоимости"},
	"way":        {"Way", "Жол", "Вариант"},
	"mean":       {"Mean", "Орташа", "Среднее"},
	"dollars":    {"Mean, million $", "Орташа, млн $", "Среднее, млн $"},
	"p5":         {"5 %", "5 %", "5 %"},
	"median":     {"Median", "Медиана", "Медиана"},
	"p95":        {"95 %", "95 %", "95 %"},
	"var":        {"VaR₅", "VaR₅", "VaR₅"},
	"cvar":       {"CVaR₅", "CVaR₅", "CVaR₅"},
	"loss":       {"Chance of a loss", "Шығын ықтималдығы", "Вероятность убытка"},
	"objective":  {"Mean − λ·CVaR₅", "Орташа − λ·CVaR₅", "Среднее − λ·CVaR₅"},
	"price":      {"Price of a bitcoin, dollars: 5, 25, 50, 75 and 95 % of the paths", "Биткоин бағасы, доллар: жолдардың 5, 25, 50, 75 және 95 %-ы", "Цена биткоина, доллары: 5, 25, 50, 75 и 95 % путей"},
	"hashprice":  {"Hashprice, cents for a TH/s and day, and the cost of entry", "Хешбаға, TH/s пен күнге цент, және кіру құны", "Хешпрайс, центы за TH/s в день, и стоимость входа"},
	"entry":      {"cost of entry", "кіру құны", "стоимость входа"},
	"money":      {"Money so far, million ₸ (not discounted)", "Жинақталған ақша, млн ₸ (дисконтталмаған)", "Накопленные деньги, млн ₸ (без дисконта)"},
	"flow":       {"Cash of the month, mean, million ₸", "Айлық ақша ағыны, орташа, млн ₸", "Деньги месяца, среднее, млн ₸"},
	"tornado":    {"Mean present value with one input at its two ends, million ₸", "Бір кіріс екі шетінде болғандағы орташа келтірілген құн, млн ₸", "Средняя приведённая стоимость при одном входе на двух концах, млн ₸"},
	"schedule":   {"The day's schedule: kW by hour, tariff below", "Күн кестесі: сағат бойынша кВт, төменде тариф", "График дня: кВт по часам, ниже тариф"},
	"tariff":     {"Tariff, ₸ a kWh", "Тариф, кВт·сағ үшін ₸", "Тариф, ₸ за кВт·ч"},
	"limit":      {"limit", "шек", "предел"},
	"load":       {"load", "жүктеме", "нагрузка"},
	"table":      {"Months, means in million ₸", "Айлар, орташа, млн ₸", "Месяцы, средние, млн ₸"},
	"month":      {"Month", "Ай", "Месяц"},
	"income":     {"Coins", "Монета", "Монеты"},
	"power":      {"Power, levy", "Қуат, төлемақы", "Энергия, плата"},
	"tax":        {"Profit tax", "Табыс салығы", "Налог на прибыль"},
	"cash":       {"Cash", "Ақша", "Деньги"},
	"total":      {"So far", "Барлығы", "Итого"},
	"facts":      {"Dated parameters used", "Пайдаланылған күні бар параметрлер", "Использованные датированные параметры"},
	"from":       {"From", "Бастап", "С"},
	"source":     {"Source", "Дереккөз", "Источник"},
	"plan":       {"The plan", "Жоспар", "План"},
	"simulated":  {"Prices and the network's answer are simulated on %s paths, seed %s; they are no forecast.", "Бағалар мен желінің жауабы %s жолда модельденген, бастапқы мән %s; бұл болжам емес.", "Цены и ответ сети смоделированы на %s путях, начальное значение %s; это не прогноз."},
	"median one": {"median", "медиана", "медиана"},
	"mean one":   {"mean", "орташа", "среднее"},
}

// index of a language in words.
func index(language string) (int, error) {
	for i, l := range []string{"en", "kk", "ru"} {
		if l == language {
			return i, nil
		}
	}
	return 0, farm.Refuse("language", "lang", "%q is not one of en, kk, ru", language)
}
