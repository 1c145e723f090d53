package report

import (
	"math"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/market"
)

// Language of a document.
type Language string

// The languages.
const (
	English Language = "en"
	Kazakh  Language = "kk"
	Russian Language = "ru"
)

// ParseLanguage refuses anything but en, kk and ru.
func ParseLanguage(text string) (Language, error) {
	switch l := Language(text); l {
	case English, Kazakh, Russian:
		return l, nil
	}
	return "", market.Refuse("language", "lang", "%q is not one of en, kk, ru", text)
}

// words: English, Kazakh, Russian. A key that is not here is printed as it is
// (names of methods and formulas are the same everywhere).
var words = map[string][3]string{
	"title":                         {"Market report", "Нарық есебі", "Отчёт о рынке"},
	"period":                        {"Period", "Кезең", "Период"},
	"returns":                       {"returns", "табыстылық бақылауы", "доходностей"},
	"annualised on":                 {"annualised on", "жылдық есеп негізі", "годовые значения на"},
	"observations a year":           {"observations a year", "бақылау жылына", "наблюдений в году"},
	"figure":                        {"Figure", "Көрсеткіш", "Показатель"},
	"value":                         {"Value", "Мәні", "Значение"},
	"interval":                      {"95 % interval", "95 % аралық", "95 %-й интервал"},
	"formula":                       {"Formula", "Формула", "Формула"},
	"unit":                          {"Unit", "Өлшем бірлігі", "Единица"},
	"performance":                   {"Performance", "Нәтижелілік", "Результаты"},
	"price":                         {"Price (logarithmic)", "Баға (логарифмдік)", "Цена (логарифмическая шкала)"},
	"drawdown":                      {"Drawdown, %", "Құлдырау, %", "Просадка, %"},
	"drawdowns":                     {"The ten deepest drawdowns", "Ең терең он құлдырау", "Десять самых глубоких просадок"},
	"peak":                          {"Peak", "Шыңы", "Пик"},
	"trough":                        {"Trough", "Түбі", "Дно"},
	"recovered":                     {"Recovered", "Қалпына келуі", "Восстановление"},
	"depth":                         {"Depth", "Тереңдігі", "Глубина"},
	"days":                          {"Days", "Күн", "Дней"},
	"not yet":                       {"not yet", "әлі жоқ", "ещё нет"},
	"months":                        {"Monthly returns, %", "Айлық табыстылық, %", "Доходность по месяцам, %"},
	"year":                          {"Year", "Жыл", "Год"},
	"volatility":                    {"Volatility", "Құбылмалылық", "Волатильность"},
	"volatility chart":              {"Volatility, % a year: realised over 30 days and conditional (GARCH-t)", "Құбылмалылық, жылына %: 30 күндік іске асқан және шартты (GARCH-t)", "Волатильность, % в год: реализованная за 30 дней и условная (GARCH-t)"},
	"realised":                      {"realised, 30 days", "іске асқан, 30 күн", "реализованная, 30 дней"},
	"conditional":                   {"conditional", "шартты", "условная"},
	"rolling sharpe":                {"Sharpe ratio over 180 days", "Шарп коэффициенті, 180 күн", "Коэффициент Шарпа за 180 дней"},
	"rolling beta":                  {"Beta to the benchmark over 180 common days", "Эталонға қатысты бета, 180 ортақ күн", "Бета к эталону за 180 общих дней"},
	"distribution":                  {"Daily returns, % (bars) against the normal law", "Күндік табыстылық, % (бағандар) және қалыпты заң", "Дневные доходности, % (столбцы) и нормальный закон"},
	"normal law":                    {"normal law", "қалыпты заң", "нормальный закон"},
	"models":                        {"Models of variance", "Дисперсия модельдері", "Модели дисперсии"},
	"model":                         {"Model", "Модель", "Модель"},
	"parameter":                     {"Parameter", "Параметр", "Параметр"},
	"se hessian":                    {"s.e. (Hessian)", "ст. қате (Гессе)", "ст. ош. (гессиан)"},
	"se robust":                     {"s.e. (sandwich)", "ст. қате (сэндвич)", "ст. ош. (сэндвич)"},
	"news impact":                   {"News-impact curve: tomorrow's volatility, % a year, after today's return, %", "Жаңалық әсері: бүгінгі табыстылықтан (%) кейінгі ертеңгі құбылмалылық, жылына %", "Кривая влияния новостей: волатильность завтра, % в год, после сегодняшней доходности, %"},
	"tests":                         {"Tests (p-values)", "Тесттер (p-мәндері)", "Тесты (p-значения)"},
	"of returns":                    {"returns", "табыстылық", "доходности"},
	"of residuals":                  {"standardised residuals", "стандартталған қалдықтар", "стандартизованные остатки"},
	"risk":                          {"Value at risk and expected shortfall, % of one day", "Тәуекел құны және күтілетін шығын, бір күнге %", "Стоимость под риском и ожидаемые потери, % за день"},
	"method":                        {"Method", "Әдіс", "Метод"},
	"backtest":                      {"Back-test", "Кері тексеру", "Проверка на истории"},
	"rank":                          {"Rank", "Орын", "Место"},
	"exceed":                        {"Exceedances (expected)", "Асып кету (күтілгені)", "Превышений (ожидалось)"},
	"verdict":                       {"Verdict", "Қорытынды", "Вывод"},
	"passes":                        {"passes", "өтеді", "проходит"},
	"rejected":                      {"rejected", "қабылданбайды", "отвергнут"},
	"refused":                       {"not valid here", "мұнда жарамсыз", "здесь неприменим"},
	"not available":                 {"not available", "қолжетімсіз", "нет данных"},
	"notes":                         {"Method notes", "Әдіс туралы", "О методах"},
	"provenance":                    {"Where every number comes from", "Әр санның шыққан жері", "Откуда каждое число"},
	"file":                          {"File", "Файл", "Файл"},
	"origin":                        {"Origin", "Дереккөзі", "Источник"},
	"repairs":                       {"Repairs", "Түзетулер", "Исправления"},
	"none":                          {"none", "жоқ", "нет"},
	"version":                       {"Version", "Нұсқа", "Версия"},
	"benchmark":                     {"Benchmark", "Эталон", "Эталон"},
	"cagr":                          {"Compound annual growth", "Жылдық күрделі өсім", "Среднегодовой рост"},
	"sharpe":                        {"Sharpe ratio", "Шарп коэффициенті", "Коэффициент Шарпа"},
	"sortino":                       {"Sortino ratio", "Сортино коэффициенті", "Коэффициент Сортино"},
	"calmar":                        {"Calmar ratio", "Калмар коэффициенті", "Коэффициент Калмара"},
	"omega":                         {"Omega ratio", "Омега коэффициенті", "Коэффициент омега"},
	"tailRatio":                     {"Tail ratio", "Құйрықтар қатынасы", "Отношение хвостов"},
	"maxDrawdown":                   {"Deepest drawdown", "Ең терең құлдырау", "Максимальная просадка"},
	"beta":                          {"Beta", "Бета", "Бета"},
	"alpha":                         {"Alpha", "Альфа", "Альфа"},
	"correlation":                   {"Correlation", "Корреляция", "Корреляция"},
	"trackingError":                 {"Tracking error", "Қадағалау қатесі", "Ошибка слежения"},
	"informationRatio":              {"Information ratio", "Ақпараттық коэффициент", "Информационный коэффициент"},
	"mean":                          {"Mean return", "Орташа табыстылық", "Средняя доходность"},
	"sd":                            {"Standard deviation", "Стандартты ауытқу", "Стандартное отклонение"},
	"skewness":                      {"Skewness", "Асимметрия", "Асимметрия"},
	"excessKurtosis":                {"Excess kurtosis", "Артық эксцесс", "Избыточный эксцесс"},
	"fraction a year":               {"a year", "жылына", "в год"},
	"fraction":                      {"", "", ""},
	"ratio":                         {"", "", ""},
	"percent":                       {"%", "%", "%"},
	"percent a year":                {"% a year", "жылына %", "% в год"},
	"persistence":                   {"Persistence", "Тұрақтылық", "Персистентность"},
	"binds":                         {"a constraint binds", "шектеу жұмыс істейді", "ограничение активно"},
	"method: returns":               {"Log returns in percent, dated by the later day; the first uses the close before the period. Ratios use simple returns and a risk-free rate of zero.", "Логарифмдік табыстылық пайызбен, кейінгі күнмен белгіленеді; біріншісі кезең алдындағы жабылу бағасын пайдаланады. Коэффициенттер жай табыстылықпен, тәуекелсіз мөлшерлеме нөл деп есептелген.", "Логарифмические доходности в процентах, датированы поздним днём; первая берёт цену закрытия до периода. Коэффициенты — по простым доходностям, безрисковая ставка ноль."},
	"method: intervals":             {"Intervals: percentiles of 1,000 stationary block-bootstrap resamples, mean block n^⅓, seed 1.", "Аралықтар: 1 000 стационар блоктық бутстрэп таңдамасының процентильдері, блоктың орташа ұзындығы n^⅓, бастапқы мән 1.", "Интервалы: процентили 1 000 выборок стационарного блочного бутстрэпа, средний блок n^⅓, начальное значение 1."},
	"method: garch":                 {"GARCH family by maximum likelihood with analytic derivatives, several starts, persistence at most 1 − 10⁻⁶; no standard errors at a boundary.", "GARCH тобы ең үлкен шындыққа ұқсастық әдісімен, аналитикалық туындылар, бірнеше бастапқы нүкте, тұрақтылық 1 − 10⁻⁶-дан аспайды; шекарада стандартты қателер берілмейді.", "Семейство GARCH — методом максимального правдоподобия, аналитические производные, несколько стартов, персистентность не выше 1 − 10⁻⁶; на границе стандартных ошибок нет."},
	"method: risk":                  {"Back-test day by day from 365 days before (GARCH-t: 1,000). A method passes when Kupiec, Christoffersen and Acerbi–Székely do not reject at 5 %.", "Кері тексеру күн сайын алдыңғы 365 күн бойынша (GARCH-t: 1 000). Купиец, Кристофферсен және Ачерби–Секей тесттері 5 % деңгейінде жоққа шығармаса, әдіс өтеді.", "Проверка день за днём по 365 предыдущим дням (GARCH-t: 1 000). Метод проходит, если тесты Купица, Кристофферсена и Ачерби–Секея не отвергают его на уровне 5 %."},
	"historical":                    {"historical", "тарихи", "исторический"},
	"normal":                        {"normal", "қалыпты", "нормальный"},
	"t":                             {"Student t", "Стьюдент t", "Стьюдента t"},
	"cornish-fisher":                {"Cornish–Fisher", "Корниш–Фишер", "Корниша–Фишера"},
	"ewma-normal":                   {"EWMA-normal", "EWMA-қалыпты", "EWMA-нормальный"},
	"sign bias":                     {"sign bias", "таңба ығысуы", "смещение знака"},
	"filtered historical (garch-t)": {"filtered historical (GARCH-t)", "сүзілген тарихи (GARCH-t)", "фильтрованный исторический (GARCH-t)"},
	"synthetic":                     {"The data are synthetic: no figure here is real.", "Деректер синтетикалық: мұндағы сандар нақты емес.", "Данные синтетические: ни одно число здесь не настоящее."},
	"realised, whole window":        {"realised, whole period", "іске асқан, бүкіл кезең", "реализованная, весь период"},
}

// writer prints in one language.
type writer struct{ lang Language }

func (w writer) word(key string) string {
	entry, ok := words[key]
	if !ok {
		return key
	}
	switch w.lang {
	case Kazakh:
		return entry[1]
	case Russian:
		return entry[2]
	}
	return entry[0]
}

// number prints with the language's decimal sign; nil and NaN are "not available".
func (w writer) number(v *float64, decimals int) string {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return w.word("not available")
	}
	text := strconv.FormatFloat(*v, 'f', decimals, 64)
	if *v != 0 && decimals > 2 && math.Abs(*v) < math.Pow10(-decimals) {
		text = strconv.FormatFloat(*v, 'g', 3, 64)
	}
	text = strings.Replace(text, "-", "−", 1)
	if w.lang != English {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// scaled prints a figure: fractions as per cent.
func (w writer) scaled(f Figure, v *float64) string {
	if v == nil {
		return w.word("not available")
	}
	if f.Unit == "fraction" || f.Unit == "fraction a year" {
		percent := 100 * *v
		return w.number(&percent, 2) + " %"
	}
	return w.number(v, 4)
}
