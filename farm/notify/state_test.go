package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/words"
)

var (
	almaty = time.FixedZone("+05:00", 5*3600)
	noon   = time.Date(2026, 11, 3, 12, 0, 0, 0, almaty)
)

// newFarm has two racks of six machines.
func newFarm() *Farm {
	f := &Farm{Name: "north", Zone: almaty}
	var subjects []alert.Subject
	for i := range 12 {
		subjects = append(subjects, alert.Subject{ID: fmt.Sprintf("M%02d", i),
			Place: fmt.Sprintf("north/c1/r%d/s%d", i/6, i%6)})
	}
	f.SetSubjects(subjects)
	return f
}

func notice(kind alert.Kind, raised bool, minute int, machines ...string) alert.Notice {
	return alert.Notice{At: noon.Add(time.Duration(minute) * time.Minute), Kind: kind, Raised: raised,
		Scope: machines[0], Machines: machines, Detail: "told by the test"}
}

func route(t testing.TB, change func(r *Route)) *Route {
	t.Helper()
	r := []Route{{Name: "people", Form: Slack, URL: "https://chat.example.kz/x"}}
	if change != nil {
		change(&r[0])
	}
	if err := CheckRoutes(r); err != nil {
		t.Fatal(err)
	}
	return &r[0]
}

// said shortens a message: + raised, - recovered, ~ past.
func shortened(m Message) string {
	var out []string
	for sign, lines := range map[string][]Line{"+": m.Raised, "-": m.Recovered, "~": m.Past} {
		for _, l := range lines {
			out = append(out, fmt.Sprintf("%s%s %s %d", sign, l.Kind, l.Scope, l.Count))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// What is due is told once, its end too, and what began and ended between is told as past.
func TestWhatIsDue(t *testing.T) {
	f, r, s := newFarm(), route(t, nil), State{}
	step := func(minute int, want string, notices ...alert.Notice) {
		t.Helper()
		for _, n := range notices {
			f.Take(n, true)
		}
		m, next, ok := Due(r, s, f, nil, noon.Add(time.Duration(minute)*time.Minute))
		if got := shortened(m); got != want || ok != (want != "") {
			t.Errorf("minute %d: %q, want %q", minute, got, want)
		}
		s = next
	}
	step(1, "+hot M00 1", notice(alert.Hot, true, 1, "M00"))
	step(2, "")
	step(3, "", notice(alert.Hot, true, 3, "M00")) // a watch that was started anew
	step(4, "-hot M00 1", notice(alert.Hot, false, 4, "M00"))
	step(6, "~fan M01 1", notice(alert.Fan, true, 5, "M01"), notice(alert.Fan, false, 6, "M01"))
	step(7, "")
	step(9, "+fan M01 1, ~fan M01 1", notice(alert.Fan, true, 7, "M01"), notice(alert.Fan, false, 8, "M01"),
		notice(alert.Fan, true, 9, "M01"))
	step(11, "+fan M01 1, -fan M01 1", notice(alert.Fan, false, 10, "M01"), notice(alert.Fan, true, 11, "M01"))
	step(12, "+offline north 12", notice(alert.Offline, true, 12, "M00", "M01", "M02", "M03", "M04", "M05"),
		notice(alert.Offline, true, 12, "M06", "M07", "M08", "M09", "M10", "M11"))
	code := notice(alert.Code, true, 13, "M02")
	code.Codes = "whatsminer/110"
	step(13, "+code M02 1", code)
	code.Codes, code.At = "whatsminer/110 whatsminer/218", code.At.Add(time.Minute)
	step(14, "+code M02 1", code)
	code.Raised = false
	step(15, "-code M02 1", code)
	quiet := notice(alert.Board, true, 16, "M03")
	quiet.Silenced = true
	step(16, "", quiet, notice(alert.Board, true, 16, "M99")) // silenced, and no machine of the fleet
	if s.Sequence != 9 {
		t.Errorf("%d messages", s.Sequence)
	}
}

// A route's filter: kinds, places, severity, where a group is a step worse.
func TestFilters(t *testing.T) {
	notices := []alert.Notice{notice(alert.Hot, true, 0, "M00"), notice(alert.LowHash, true, 0, "M07"),
		notice(alert.Board, true, 0, "M01"), notice(alert.Offline, true, 0, "M06", "M07", "M08")}
	for name, tc := range map[string]struct {
		change func(r *Route)
		want   string
	}{
		"everything": {nil, "+board M01 1, +hot M00 1, +lowhash M07 1, +offline north/c1/r1 3"},
		"critical":   {func(r *Route) { r.Severity = Critical }, "+hot M00 1, +offline north/c1/r1 3"},
		"warnings":   {func(r *Route) { r.Severity = Warning }, "+board M01 1, +hot M00 1, +offline north/c1/r1 3"},
		"kinds":      {func(r *Route) { r.Kinds = []string{"board", "lowhash"} }, "+board M01 1, +lowhash M07 1"},
		"a rack":     {func(r *Route) { r.Places = []string{"north/c1/r1/"} }, "+lowhash M07 1, +offline north/c1/r1 3"},
		"a machine":  {func(r *Route) { r.Places = []string{"M01"} }, "+board M01 1"},
		"no prefix":  {func(r *Route) { r.Places = []string{"nor", "north/c"} }, ""},
	} {
		f := newFarm()
		for _, n := range notices {
			f.Take(n, true)
		}
		m, next, _ := Due(route(t, tc.change), State{}, f, nil, noon)
		if got := shortened(m); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		if _, _, again := Due(route(t, tc.change), next, f, nil, noon); again {
			t.Errorf("%s: told twice", name)
		}
	}
}

// Somebody is called after a quarter of an hour without acknowledgement, and hears of the end only of what he was
// called for.
func TestEscalation(t *testing.T) {
	f, r := newFarm(), route(t, func(r *Route) { r.After = 15 * time.Minute })
	f.Take(notice(alert.Hot, true, 0, "M00"), true)
	f.Take(notice(alert.Fan, true, 0, "M01"), true)
	f.Take(notice(alert.Fan, true, 0, "M02"), true)
	acks := []Acknowledgement{{Machine: "M01", Kind: alert.Fan, Since: noon},
		{Machine: "M02", Kind: alert.Fan, Since: noon.Add(-time.Hour)}} // of an earlier one
	if m, _, ok := Due(r, State{}, f, acks, noon.Add(14*time.Minute)); ok {
		t.Errorf("after 14 minutes: %s", shortened(m))
	}
	m, s, _ := Due(r, State{}, f, acks, noon.Add(15*time.Minute))
	if got := shortened(m); got != "+fan M02 1, +hot M00 1" {
		t.Errorf("after 15 minutes: %s", got)
	}
	for _, id := range []string{"M00", "M01"} {
		f.Take(notice(alert.Hot, false, 20, id), true)
		f.Take(notice(alert.Fan, false, 20, id), true)
	}
	if m, _, _ = Due(r, s, f, acks, noon.Add(21*time.Minute)); shortened(m) != "-hot M00 1" {
		t.Errorf("when it was over: %s", shortened(m))
	}
}

// Machines of an outage that fall silent one poll after another are all told of, whenever their turn to be called comes,
// and so is the end of each: what befell the place is judged on the whole, not on what is left of it to tell.
func TestStragglersOfAnOutageAreTold(t *testing.T) {
	for name, change := range map[string]func(r *Route){
		"at once": func(r *Route) { r.Severity = Critical },
		"called":  func(r *Route) { r.Severity, r.After = Critical, time.Minute },
	} {
		f, r, s := newFarm(), route(t, change), State{}
		raised, recovered := 0, 0
		look := func(minute float64) {
			t.Helper()
			m, next, _ := Due(r, s, f, nil, noon.Add(time.Duration(minute*float64(time.Minute))))
			s = next
			for _, l := range m.Raised {
				if l.Severity != Critical {
					t.Errorf("%s: %+v", name, l)
				}
			}
			raised, recovered = raised+machinesOf(m.Raised), recovered+machinesOf(m.Recovered)
		}
		all := make([]string, 12)
		for i := range all {
			all[i] = fmt.Sprintf("M%02d", i)
		}
		f.Take(notice(alert.Offline, true, 0, all[:10]...), true)
		look(0.5)
		look(1)
		f.Take(notice(alert.Offline, true, 1, all[10]), true)
		look(1.5)
		look(2)
		f.Take(notice(alert.Offline, true, 2, all[11]), true)
		look(3)
		if raised != 12 {
			t.Errorf("%s: %d of 12 machines are told of", name, raised)
		}
		f.Take(notice(alert.Offline, false, 4, all[:11]...), true)
		look(5)
		f.Take(notice(alert.Offline, false, 6, all[11]), true)
		look(6)
		if recovered != 12 {
			t.Errorf("%s: the end of %d of 12 is told", name, recovered)
		}
		// Long after it, one machine alone is no outage.
		f.Take(notice(alert.Offline, true, 60, all[3]), true)
		if look(70); raised != 12 {
			t.Errorf("%s: one machine alone was told of as critical", name)
		}
	}
	// What began and ended while a route was quiet is of the outage too.
	f, r := newFarm(), route(t, func(r *Route) { r.Severity = Critical })
	f.Take(notice(alert.Offline, true, 0, "M00", "M01", "M02", "M03", "M04", "M05", "M06"), true)
	f.Take(notice(alert.Offline, false, 3, "M06"), true)
	if m, _, _ := Due(r, State{}, f, nil, noon.Add(time.Hour)); machinesOf(m.Raised) != 6 || machinesOf(m.Past) != 1 {
		t.Errorf("after the quiet: %s", shortened(m))
	}
}

func TestQuietHours(t *testing.T) {
	for span, hours := range map[string]string{
		"22:00-07:00": "22:00 23:59 00:00 06:59", "08:00-09:30": "08:00 09:29", "": "",
	} {
		r := route(t, func(r *Route) { r.Quiet = span })
		for _, clock := range []string{"22:00", "23:59", "00:00", "06:59", "07:00", "08:00", "09:29", "09:30", "21:59"} {
			at, _ := time.ParseInLocation("15:04", clock, almaty)
			if got, want := r.QuietAt(at.UTC(), almaty), strings.Contains(hours, clock); got != want {
				t.Errorf("%q at %s: %t", span, clock, got)
			}
		}
	}
}

// Whatever is raised and cleared, and whenever the route is told or the program started again: each alert is told
// exactly once, as raised or as past, and the end of each that was told as raised exactly once.
func TestNothingIsLostOrToldTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, r := newFarm(), route(&testing.T{}, nil)
		begun, ended, past := map[string]int{}, map[string]int{}, map[string]int{}
		on, want := map[string]int{}, map[string]bool{}
		var log []alert.Notice
		pass := func(lines []Line) { // a line of the past is of all of a machine's that have ended and were not told
			for _, l := range lines {
				for alertOf := range want {
					var minute int
					if _, err := fmt.Sscanf(alertOf, l.Scope+" %d", &minute); err == nil && begun[alertOf]+past[alertOf] == 0 &&
						minute != on[l.Scope] {
						past[alertOf]++
					}
				}
			}
		}
		var kept, s State
		for minute := 1; minute < 60; minute++ {
			machine := rapid.SampledFrom([]string{"M00", "M01", "M06"}).Draw(t, "machine") // too few for a group
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				n := notice(alert.Hot, on[machine] == 0, minute, machine)
				if on[machine] = 0; n.Raised {
					on[machine] = minute
					want[fmt.Sprint(machine, " ", minute)] = true
				}
				log = append(log, n)
				f.Take(n, true)
			case 2, 3:
				m, next, ok := Due(r, s, f, nil, noon.Add(time.Duration(minute)*time.Minute))
				if ok {
					count(begun, m.Raised)
					pass(m.Past)
					for _, before := range s.Reported {
						if on[before.Machine] == 0 || !before.Since.Equal(noon.Add(time.Duration(on[before.Machine])*time.Minute)) {
							ended[fmt.Sprint(before.Machine, " ", int(before.Since.Sub(noon).Minutes()))]++
						}
					}
					kept = next
				}
				s = next
				f.Forget(s.Line)
			case 4: // started again, with what was written down
				f, s = newFarm(), kept
				for _, n := range log {
					f.Take(n, true)
				}
			}
		}
		m, _, _ := Due(r, s, f, nil, noon.Add(2*time.Hour))
		count(begun, m.Raised)
		pass(m.Past)
		for alertOf := range want {
			if begun[alertOf]+past[alertOf] != 1 || ended[alertOf] > begun[alertOf] {
				t.Fatalf("%s: begun %d, past %d, ended %d", alertOf, begun[alertOf], past[alertOf], ended[alertOf])
			}
		}
		if len(begun)+len(past) != len(want) {
			t.Fatalf("told %v %v, raised %v", begun, past, want)
		}
	})
}

// count counts alerts by machine and minute.
func count(into map[string]int, lines []Line) {
	for _, l := range lines {
		for _, machine := range l.Machines {
			into[fmt.Sprint(machine, " ", int(l.Since.Sub(noon).Minutes()))]++
		}
	}
}

// A storm is one message that a chat takes, and says how much it leaves out.
func TestAStormIsOneMessage(t *testing.T) {
	f := &Farm{Name: "north\r\nBcc: all", Zone: almaty}
	var subjects []alert.Subject
	for i := range 3000 {
		subjects = append(subjects, alert.Subject{ID: fmt.Sprintf("M%04d", i), Place: fmt.Sprintf("s%d/c/r/1", i%300)})
	}
	f.SetSubjects(subjects)
	for i, s := range subjects[:1500] {
		n := notice(alert.Kinds[i%11], true, 0, s.ID) // 11 and 300 have no divisor in common: nothing is half of a place
		n.Detail = strings.Repeat("қызу\x1b[2J\u202e", 300)
		f.Take(n, true)
	}
	m, next, _ := Due(route(t, nil), State{}, f, nil, noon)
	if total := machinesOf(m.Raised); total != 1500 || len(next.Reported) != 1500 {
		t.Errorf("%d machines are told of, %d kept", total, len(next.Reported))
	}
	if len(m.bounded().Raised) > maxInList || !m.bounded().Missed {
		t.Errorf("%d lines in JSON", len(m.bounded().Raised))
	}
	for _, language := range faults.Languages {
		text := m.Text(language, almaty)
		if n := len([]rune(text)); n > 4000 || n < 500 || strings.ContainsAny(text, "\x1b\r\u202e") {
			t.Errorf("%s: %d characters:\n%s", language, n, text)
		}
	}
}

// Every kind has words in every language, and a code is explained with its remedy in the route's.
func TestWordsOfMessages(t *testing.T) {
	n := notice(alert.Code, true, 0, "M02")
	n.Codes = "whatsminer/110"
	for _, language := range faults.Languages {
		for _, k := range alert.Kinds {
			if key := "alert-kind." + string(k); words.Language(language).Text(key) == key {
				t.Errorf("%s has no word for %s", language, k)
			}
		}
		m := Message{Farm: "north", Raised: []Line{lineOf(n, Warning, language)}}
		if text, c := m.Text(language, almaty), m.Raised[0].Codes[0]; c.Means == "" || c.Do == "" ||
			!strings.Contains(text, c.Means) || !strings.Contains(text, c.Do) {
			t.Errorf("%s: %s", language, text)
		}
	}
}

// What an alert found is told in the route's language, that of many too; what was written before there were findings as
// it was written.
func TestFindingsAreToldInTheRoutesLanguage(t *testing.T) {
	hot := notice(alert.Hot, true, 0, "M02")
	hot.Finding = farm.Found("chips-hot", "degrees", 96, "limit", 90)
	for language, want := range map[string]string{
		"en": "too hot: M02; chips at 96 °C, limit 90, since ", "ru": "перегрев: M02; температура чипов 96 °C, предел 90, с ",
		"kk": "қызып кетті: M02; чиптердің температурасы 96 °C, шегі 90, "} {
		m := Message{Farm: "north", Raised: []Line{lineOf(hot, Critical, language)}}
		if text := m.Text(language, almaty); !strings.Contains(text, want) {
			t.Errorf("%s: %s", language, text)
		}
	}
	hot.Finding = farm.Finding{}
	if l := lineOf(hot, Critical, "ru"); l.Detail != "told by the test" {
		t.Errorf("%+v", l)
	}
	// A machine that comes and goes before a route is told is one line, with how often.
	f := newFarm()
	for i := range 3 {
		n := notice(alert.Offline, true, 2*i, "M02")
		n.Finding = farm.Found("no-answer")
		f.Take(n, true)
		f.Take(notice(alert.Offline, false, 2*i+1, "M02"), true)
	}
	r := route(t, func(r *Route) { r.Language = "ru" })
	if m, _, _ := Due(r, State{}, f, nil, noon); len(m.Past) != 1 || m.Past[0].Detail != "не ответило вовремя, раз: 3" {
		t.Errorf("%+v", m.Past)
	}
}

// Who was told of an alert is told when it ended and after how long, not only that it did, nor what no longer holds.
func TestARecoverySaysAfterHowLong(t *testing.T) {
	for language, want := range map[string]string{"en": "over after 12 min; it was: no pool is alive",
		"ru": "кончилось через 12 мин; было: ни один пул не отвечает",
		"kk": "12 мин кейін аяқталды; болған жағдай: жауап беретін пул жоқ"} {
		f, r := newFarm(), route(t, func(r *Route) { r.Language = language })
		n := notice(alert.NoPool, true, 0, "M02")
		n.Finding, n.Detail = farm.Found("no-pool"), "no pool is alive"
		f.Take(n, true)
		_, s, _ := Due(r, State{}, f, nil, noon.Add(time.Minute))
		n.Raised, n.At = false, noon.Add(12*time.Minute) // as it was written before ends had findings
		f.Take(n, true)
		m, _, _ := Due(r, s, f, nil, noon.Add(30*time.Minute))
		if len(m.Recovered) != 1 || m.Recovered[0].Detail != want || !m.Recovered[0].Since.Equal(n.At) {
			t.Errorf("%s: %+v", language, m.Recovered)
		}
	}
}

func TestRoutesAreChecked(t *testing.T) {
	good := map[string]Route{
		"mail":     {Form: Mail, Server: "mail.example.kz:587", From: "Farm <f@example.kz>", To: []string{"a@example.kz"}},
		"local":    {Form: Mail, Server: "127.0.0.1:25", TLS: noTLS, From: "f@example.kz", To: []string{"a@example.kz"}},
		"telegram": {Form: Telegram, Chat: "-100", SecretFile: "token"},
		"slack":    {Form: Slack, URLFile: "url"},
		"webhook":  {Form: Webhook, URL: "http://10.0.0.5/hook", SecretFile: "key", Language: "kk", Quiet: "22:00-07:00"},
	}
	for name, r := range good {
		r.Name = name
		if err := CheckRoutes([]Route{r}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(r *Route){
		"form": func(r *Route) { r.Form = "pigeon" }, "language": func(r *Route) { r.Language = "de" },
		"severity": func(r *Route) { r.Severity = "bad" }, "kinds": func(r *Route) { r.Kinds = []string{"x"} },
		"places": func(r *Route) { r.Places = []string{""} }, "quiet": func(r *Route) { r.Quiet = "25:00-07:00" },
		"after": func(r *Route) { r.After = -1 }, "gather": func(r *Route) { r.Gather = time.Millisecond },
		"name": func(r *Route) { r.Name = "Ночь" }, "secret_file": func(r *Route) { r.SecretFile = "" },
		"url":      func(r *Route) { r.URL = "ftp://x" },
		"both":     func(r *Route) { r.URLFile = "also" },
		"password": func(r *Route) { r.URL = "https://me:secret@x/" },
		"clear":    func(r *Route) { r.Form, r.URL = Slack, "http://10.0.0.5/hook" },
		"chat":     func(r *Route) { r.Form = Telegram },
		"mail":     func(r *Route) { *r = good["mail"]; r.Name, r.TLS = "x", noTLS },
		"server":   func(r *Route) { *r = good["mail"]; r.Name, r.Server = "x", "mail.example.kz" },
		"to":       func(r *Route) { *r = good["mail"]; r.Name, r.To = "x", []string{"a@b\r\nBcc: c@d"} },
		"nobody":   func(r *Route) { *r = good["mail"]; r.Name, r.To = "x", nil },
		"user":     func(r *Route) { *r = good["mail"]; r.Name, r.User = "x", "me" },
	} {
		r := good["webhook"]
		r.Name = "x"
		change(&r)
		err := CheckRoutes([]Route{r})
		if err == nil || strings.Contains(err.Error(), "me:secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if CheckRoutes([]Route{{Name: "a", Form: Slack, URLFile: "u"}, {Name: "a", Form: Slack, URLFile: "u"}}) == nil {
		t.Error("two routes of one name were taken")
	}
	if CheckRoutes(make([]Route, MaxRoutes+1)) == nil {
		t.Error("too many routes were taken")
	}
}
