package market

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Layouts of our own, beside those of Go.
const (
	layoutUnix    = "unix"
	layoutQuarter = "quarter"   // 2006Q1, Q1/2006, 1 кв. 2006
	layoutHalf    = "half-year" // 2006-H1
	layoutWeek    = "week"      // 2006-W05, ISO 8601: its Monday
	layoutSerial  = "serial"    // days since 1899-12-30, as spreadsheets store them
	layoutNames   = "names "    // and a layout in English: months have names in another language
)

// named are layouts of dates whose months, perhaps in another language, are written out.
var named = []string{"2 January 2006", "2 January 2006 15:04", "2 January 2006 15:04:05", "2. January 2006",
	"2. January 06",
	"January 2, 2006", "January 2006", "January 06", "2-January-2006", "2-January-06", "2 January 06", "January-2006",
	"January-06", "January/2006", "2006 January", "2006 January 2",
	"2006 2 January", "2006-January-2", "2-January 2006"}

// monthNames are the months in the languages of exports, in full and as abbreviated.
var monthNames = func() map[string]time.Month {
	names := map[string]time.Month{}
	for _, year := range []string{
		"january february march april may june july august september october november december",
		"jan feb mar apr may jun jul aug sep oct nov dec", "jan feb mar apr may jun jul aug sept oct nov dec",
		"январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
		"января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
		"янв фев мар апр май июн июл авг сен окт ноя дек", "янв февр мар апр мая июн июл авг сент окт нояб дек",
		"қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан",
		"қаң ақп нау сәу мам мау шіл там қыр қаз қар жел",
		"січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
		"januar februar märz april mai juni juli august september oktober november dezember",
		"jan feb mär apr mai jun jul aug sep okt nov dez",
		"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
		"ene feb mar abr may jun jul ago sep oct nov dic",
		"janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
		"janv févr mars avr mai juin juil août sept oct nov déc",
		"janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
		"jan fev mar abr mai jun jul ago set out nov dez",
		"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
		"gen feb mar apr mag giu lug ago set ott nov dic",
		"ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
		"stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
	} {
		for i, name := range strings.Fields(year) {
			names[small(name)] = time.Month(i + 1)
		}
	}
	return names
}()

// small is a word in small letters, Turkish ones as one: its capital of ı is I, and that of i is İ.
func small(word string) string { return turkish.Replace(strings.ToLower(word)) }

var turkish = strings.NewReplacer("ı", "i", "\u0307", "")

// inEnglish writes a date's month in English and leaves out the words that are
// no part of it: the day of the week, "г.", "de". ok says whether there was a month.
func inEnglish(cell string) (date string, ok bool) {
	if len(cell) > 48 {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(cell); {
		letters := strings.IndexFunc(cell[i:], func(r rune) bool { return !unicode.IsLetter(r) })
		if letters < 0 {
			letters = len(cell) - i
		}
		if letters == 0 {
			b.WriteByte(cell[i])
			if cell[i] == '.' { // "01.янв.2024" is "01. January 2024"
				b.WriteByte(' ')
			}
			i++
			continue
		}
		word := small(cell[i : i+letters])
		i += letters
		month, isMonth := monthNames[word]
		switch {
		case isMonth && !ok:
			ok = true
			b.WriteString(month.String())
		case word == "г" || word == "года" || word == "ж" || word == "жыл" || word == "жылғы" || word == "de" ||
			weekdays[word]:
		default:
			return "", false
		}
		if i < len(cell) && cell[i] == '.' {
			if i++; i < len(cell) && cell[i] >= '0' && cell[i] <= '9' { // of an abbreviation: "янв.24"
				b.WriteByte(' ')
			}
		}
	}
	return strings.Trim(strings.Join(strings.Fields(b.String()), " "), " ,"), ok
}

// weekdays are words that a date may have and that are passed over.
var weekdays = func() map[string]bool {
	days := map[string]bool{}
	for _, name := range strings.Fields("mon tue wed thu fri sat sun monday tuesday wednesday thursday friday " +
		"saturday sunday пн вт ср чт пт сб вс понедельник вторник среда четверг пятница суббота воскресенье " +
		"дс сс сәр бс жм сн жс mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonntag") {
		days[name] = true
	}
	return days
}()

// ours parses the layouts that Go has not; known says whether this is one.
func ours(cell, layout string, zone *time.Location) (at time.Time, known bool, err error) {
	switch {
	case layout == layoutQuarter:
		at, err = parsePart(cell, 'Q', 4, zone)
	case layout == layoutHalf:
		at, err = parsePart(cell, 'H', 2, zone)
	case layout == layoutWeek:
		at, err = parseWeek(cell, zone)
	case layout == layoutSerial:
		at, err = parseSerial(cell, zone)
	case strings.HasPrefix(layout, layoutNames):
		english, ok := inEnglish(cell)
		if !ok {
			return at, true, fmt.Errorf("no month's name in it")
		}
		at, err = time.ParseInLocation(layout[len(layoutNames):], english, zone)
	default:
		return at, false, nil
	}
	return at, true, err
}

// parsePart reads a quarter (2006Q1, 2006-Q1, Q1 2006, Q1'06, 1Q06, 1 кв. 2006, 2006 I, 2006 жылғы 1-тоқсан) or half
// of a year: its first day. A year of two digits is of this century.
func parsePart(cell string, sign byte, parts int, zone *time.Location) (time.Time, error) {
	bad := fmt.Errorf("want a part of a year as 2006%c1", sign)
	if len(cell) > 60 {
		return time.Time{}, bad
	}
	text := strings.ToUpper(cell)
	if sign == 'Q' {
		for _, word := range []string{"КВАРТАЛ", "КВ.", "КВ", "ТОҚСАНЫ", "ТОҚСАН", "QTR"} {
			text = strings.Replace(text, word, "Q", 1)
		}
	}
	for _, word := range []string{"ЖЫЛҒЫ", "ЖЫЛЫ", "ЖЫЛ", "ГОДА", "ГОД", "Ж.", "Г."} {
		text = strings.Replace(text, word, " ", 1)
	}
	text = strings.TrimSuffix(strings.TrimRight(text, " ."), " Г")
	compact := strings.Map(func(r rune) rune {
		if strings.ContainsRune("- /.:,'’", r) {
			return -1
		}
		return r
	}, text)
	// The year stands in front or behind, of two digits behind only; the part beside the sign, on either side of it, or
	// in Roman figures where the sign may be missing behind the year.
	year, rest := "", ""
	switch {
	case len(compact) > 4 && digitsOnly(compact[:4]):
		year, rest = compact[:4], compact[4:]
		if _, roman := romanParts[rest]; roman {
			rest = string(sign) + rest
		}
	case len(compact) > 5 && digitsOnly(compact[len(compact)-4:]):
		year, rest = compact[len(compact)-4:], compact[:len(compact)-4]
	case len(compact) == 4 && digitsOnly(compact[2:]):
		year, rest = "20"+compact[2:], compact[:2]
	}
	part, hasSign := strings.CutPrefix(rest, string(sign))
	if !hasSign {
		part, hasSign = strings.CutSuffix(rest, string(sign))
	}
	n, roman := romanParts[part]
	if !roman && len(part) == 1 {
		n = int(part[0]) - '0'
	}
	if !hasSign || n < 1 || n > parts {
		return time.Time{}, bad
	}
	y, err := strconv.Atoi(year)
	return time.Date(y, time.Month(12/parts*(n-1)+1), 1, 0, 0, 0, 0, zone), err
}

// romanParts are the quarters in Roman figures, as Russian and Kazakh tables have them.
var romanParts = map[string]int{"I": 1, "II": 2, "III": 3, "IV": 4}

// parseWeek reads a week of ISO 8601, 2006-W05: its Monday.
func parseWeek(cell string, zone *time.Location) (time.Time, error) {
	text := strings.ReplaceAll(strings.ToUpper(cell), "-", "")
	text = strings.TrimSuffix(text, "/")
	if len(text) != 7 || text[4] != 'W' || !digitsOnly(text[:4]) || !digitsOnly(text[5:]) {
		return time.Time{}, fmt.Errorf("want a week as 2006-W05")
	}
	year, _ := strconv.Atoi(text[:4])
	week, _ := strconv.Atoi(text[5:])
	fourth := time.Date(year, 1, 4, 0, 0, 0, 0, zone) // is in week 1
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7+7*(week-1))
	if y, w := monday.AddDate(0, 0, 3).ISOWeek(); y != year || w != week {
		return time.Time{}, fmt.Errorf("the year %d has no week %d", year, week)
	}
	return monday, nil
}

// parseSerial reads a spreadsheet's count of days, of the years 1954 to 2119.
func parseSerial(cell string, zone *time.Location) (time.Time, error) {
	v, ok := plain(cell)
	if !ok || v < 20_000 || v >= 80_000 || strings.ContainsAny(cell, "eE+") {
		return time.Time{}, fmt.Errorf("not a spreadsheet's day")
	}
	days, part := math.Modf(v)
	seconds := math.Round(part * 86400)
	return time.Date(1899, 12, 30, 0, 0, int(seconds), 0, zone).AddDate(0, 0, int(days)), nil
}
