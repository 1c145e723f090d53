package alert_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/words"
)

// Polls as letters: "." good, "x" a fan that stands still, "-" no answer.
func TestHysteresis(t *testing.T) {
	for polls, want := range map[string]string{
		"......":              "",
		"..x...":              "",
		"..xx..":              "+fan@4",
		"..xx...":             "+fan@4 -fan@7",
		"xxx..x..x...":        "+fan@2 -fan@12",
		"..-..-..":            "",
		"..--...":             "+offline@4 -offline@7",
		"xx--...":             "+fan@2 +offline@4 -offline@7 -fan@7",
		"----------":          "+offline@2",
		"x-x":                 "+fan@3", // a silent poll says nothing of the fan
		"....x-----x...":      "+offline@7 +fan@11 -offline@13 -fan@14",
		".-.-.-.-.-":          "",
		"..xx..x..x..x......": "+fan@4 -fan@16",
		"..r.rr...":           "+norate@6 -norate@9",
		"..sss..":             "",               // asleep: no board, fan and pool is judged, and the clock may stand
		"..xxsssss...":        "+fan@4 -fan@12", // what held before still holds
	} {
		var d alert.Detector
		var got []string
		for i, c := range polls {
			at := usage.Instant(i+1) * 30 * usage.Second
			o := alert.Observation{At: at, Answered: c != '-', Accepted: -1, Rejected: -1, Poll: usage.Poll{At: at, Elapsed: 1000 + int64(i)*30, TotalMH: -1, Boards: -1, SlowestFan: 4000, PoolAlive: true}}
			o.Poll.RateMHs = 100
			switch c {
			case 'x':
				o.Poll.SlowestFan = 0
			case 'r':
				o.Poll.RateMHs = usage.Unknown
			case 's':
				o.Poll = usage.Poll{At: at, Elapsed: 7, TotalMH: -1, RateMHs: -1, BoardsDue: 3, Sleeping: true}
			}
			for _, change := range d.Observe(o) {
				sign := "-"
				if change.Raised {
					sign = "+"
				}
				got = append(got, fmt.Sprintf("%s%s@%d", sign, change.Kind, i+1))
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q: %q, want %q", polls, text, want)
		}
	}
}

func subjects() (all []alert.Subject) {
	for _, rack := range []string{"r1", "r2"} {
		for shelf := range 6 {
			all = append(all, alert.Subject{ID: fmt.Sprintf("%s-%d", rack, shelf), Place: fmt.Sprintf("north/c1/%s/s%d", rack, shelf)})
		}
	}
	return append(all, alert.Subject{ID: "homeless"})
}

func changes(kind alert.Kind, machines ...int) (out []alert.Change) {
	for _, m := range machines {
		out = append(out, alert.Change{Machine: m, Kind: kind, Raised: true, At: usage.Hour})
	}
	return out
}

func TestGrouping(t *testing.T) {
	for name, tc := range map[string]struct {
		changes []alert.Change
		want    []string
	}{
		"one machine":                   {changes(alert.Fan, 0), []string{"fan r1-0 1"}},
		"two of a rack":                 {changes(alert.Offline, 0, 1), []string{"offline r1-0 1", "offline r1-1 1"}},
		"half of a rack":                {changes(alert.Offline, 0, 1, 2, 7), []string{"offline north/c1/r1 3", "offline r2-1 1"}},
		"the whole site":                {changes(alert.Offline, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), []string{"offline north 12"}},
		"different kinds do not group":  {slices.Concat(changes(alert.Hot, 0, 1, 2), changes(alert.Fan, 3)), []string{"hot north/c1/r1 3", "fan r1-3 1"}},
		"a machine without a place too": {changes(alert.Offline, 12), []string{"offline homeless 1"}},
	} {
		var got []string
		for _, n := range alert.Group(tc.changes, subjects()) {
			got = append(got, fmt.Sprintf("%s %s %d", n.Kind, n.Scope, len(n.Machines)))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (−want +got):\n%s", name, diff)
		}
	}
}

// In a group each machine keeps what is said of it.
func TestDetailsOfAGroup(t *testing.T) {
	all := changes(alert.Offline, 0, 1, 2)
	for i := range all {
		all[i].Detail = fmt.Sprintf("at 10.0.0.%d answers another machine", i)
	}
	notices := alert.Group(all, subjects())
	if len(notices) != 1 || notices[0].Detail != all[0].Detail+" (r1-0; others differ)" {
		t.Errorf("%+v", notices)
	}
	for i, s := range alert.Stand(notices) {
		if s.Detail != all[i].Detail {
			t.Errorf("%s stands with %q", s.Machine, s.Detail)
		}
	}
	for i := range all {
		all[i].Detail = "no answer"
	}
	if notices = alert.Group(all, subjects()); notices[0].Detail != "no answer" || notices[0].Details != nil {
		t.Errorf("%+v", notices)
	}
}

// What a machine is found to have is said in the reader's language: of each in a group, of the group, and after a file
// was written and read. What was written before there were findings says what it said.
func TestAlertsAreSaidInThreeLanguages(t *testing.T) {
	found := []farm.Finding{farm.Found("no-answer"), farm.Found("closed-port")}
	all := changes(alert.Offline, 0, 1, 2)
	for i := range all {
		all[i].Finding = found[min(i, 1)]
		all[i].Detail = all[i].Finding.In(words.English)
	}
	line, err := json.Marshal(alert.Group(all, subjects())[0])
	if err != nil {
		t.Fatal(err)
	}
	var n alert.Notice
	if err := json.Unmarshal(line, &n); err != nil {
		t.Fatal(err)
	}
	for l, want := range map[words.Language][3]string{
		words.English: {n.Detail, "did not answer in time", "refuses the connection"},
		words.Russian: {"не ответило вовремя (r1-0; у других иначе)", "не ответило вовремя", "не принимает соединение"},
		words.Kazakh:  {"уақытында жауап бермеді (r1-0; қалғандарында басқаша)", "уақытында жауап бермеді", "қосылымды қабылдамайды"},
	} {
		standing := alert.Stand([]alert.Notice{n})
		if n.Say(l) != want[0] || standing[0].Say(l) != want[1] || standing[2].Say(l) != want[2] {
			t.Errorf("%s: %q, %q, %q", l, n.Say(l), standing[0].Say(l), standing[2].Say(l))
		}
	}
	n = alert.Notice{Kind: alert.Hot, Raised: true, Machines: []string{"M1"}, Detail: "chips at 96 °C, limit 90"}
	if s := alert.Stand([]alert.Notice{n})[0]; n.Say(words.Russian) != n.Detail || s.Say(words.Kazakh) != n.Detail {
		t.Errorf("%q, %q", n.Say(words.Russian), s.Say(words.Kazakh))
	}
	if n.Codes = "whatsminer/110"; !strings.ContainsAny(n.Say(words.Russian), "абвгд") {
		t.Errorf("%q", n.Say(words.Russian))
	}
}

// Whatever a detector raises is a sentence of the catalogue, in English the one that is kept, with every figure in it.
func TestWhateverIsRaisedIsSaid(t *testing.T) {
	good := func(i int64) alert.Observation {
		at := usage.Instant(i) * 30 * usage.Second
		return alert.Observation{At: at, Answered: true, Accepted: -1, Rejected: -1, HotLimit: 90, Poll: usage.Poll{At: at,
			Elapsed: 1000 + i*30, TotalMH: -1, RateMHs: 100, Boards: 3, BoardsDue: 3, SlowestFan: 4000, PoolAlive: true}}
	}
	for name, bad := range map[string]func(o *alert.Observation){
		"offline": func(o *alert.Observation) {
			*o = alert.Observation{At: o.At, Why: "did not answer in time", Found: farm.Found("no-answer")}
		},
		"hung": func(o *alert.Observation) { o.Poll.Elapsed = 1000 },
		"hung by nonsense": func(o *alert.Observation) {
			*o = alert.Observation{At: o.At, Garbled: true, Why: "The machine does not do it",
				Found: farm.Found("refusal", "code", "refused")}
		},
		"hot":    func(o *alert.Observation) { o.Poll.ChipTemp = 96 },
		"fan":    func(o *alert.Observation) { o.Poll.SlowestFan = 0 },
		"board":  func(o *alert.Observation) { o.Poll.Boards = 2 },
		"pool":   func(o *alert.Observation) { o.Poll.PoolWrong = true },
		"nopool": func(o *alert.Observation) { o.Poll.PoolAlive = false },
		"norate": func(o *alert.Observation) { o.Poll.RateMHs = usage.Unknown },
		"code":   func(o *alert.Observation) { o.Codes = []string{"whatsminer/110"} },
	} {
		var d alert.Detector
		var raised []alert.Change
		for i := range int64(6) {
			o := good(i)
			if i > 1 {
				bad(&o)
			}
			raised = append(raised, d.Observe(o)...)
		}
		kind, _, _ := strings.Cut(name, " ")
		if len(raised) != 1 || string(raised[0].Kind) != kind {
			t.Errorf("%s: %+v", name, raised)
			continue
		}
		c := raised[0]
		said := []string{c.Finding.In(words.English), c.Finding.In(words.Russian), c.Finding.In(words.Kazakh)}
		if said[0] != c.Detail || said[0] == said[1] || said[1] == said[2] || slices.Contains(said, "") ||
			strings.Contains(strings.Join(said, ""), "{") {
			t.Errorf("%s: %q, kept %q", name, said, c.Detail)
		}
	}
}

// An end says how long the alert held and what it was, in every language: nothing that was found then is said as if it
// still held, however the alert came to its end.
func TestAnEndSaysWhatEnded(t *testing.T) {
	good := func(i int64) alert.Observation {
		at := usage.Instant(i) * 30 * usage.Second
		return alert.Observation{At: at, Answered: true, Accepted: -1, Rejected: -1, HotLimit: 90, Poll: usage.Poll{At: at,
			Elapsed: 1000 + i*30, TotalMH: -1, RateMHs: 100, Boards: 3, BoardsDue: 3, SlowestFan: 4000, PoolAlive: true}}
	}
	away := func(o *alert.Observation) {
		*o = alert.Observation{At: o.At, Why: "did not answer in time", Found: farm.Found("no-answer")}
	}
	for kind, tc := range map[alert.Kind]struct {
		bad, after func(o *alert.Observation)
		want       string
	}{
		alert.Offline: {away, nil, "over after 5 min; it was: did not answer in time"},
		alert.Hung: {func(o *alert.Observation) { o.Poll.Elapsed = 1000 }, away,
			"over after 5 min; it was: answers, but its clock stands at 1000 s"},
		alert.NoPool: {func(o *alert.Observation) { o.Poll.PoolAlive = false }, nil,
			"over after 5 min; it was: no pool is alive"},
		alert.Board: {func(o *alert.Observation) { o.Poll.Boards = 2 }, nil,
			"over after 5 min; it was: 2 of 3 hash boards work"},
		alert.Code: {func(o *alert.Observation) { o.Codes = []string{"whatsminer/110"} }, nil,
			"over after 5 min; it was: shows whatsminer/110"},
	} {
		var d alert.Detector
		var s alert.State
		var ends []alert.Change
		for i := range int64(20) {
			o := good(i)
			if i > 0 && i <= 8 {
				tc.bad(&o)
			} else if i > 8 && tc.after != nil {
				tc.after(&o)
			}
			for _, c := range d.Observe(o) {
				if !c.Raised && c.Finding.Code != "" {
					t.Errorf("%s: the detector says of an end %+v", kind, c.Finding)
				}
				c = s.End(c, "r1-0")
				s.Take(alert.Group([]alert.Change{c}, []alert.Subject{{ID: "r1-0"}})[0])
				if !c.Raised {
					ends = append(ends, c)
				}
			}
		}
		if len(ends) != 1 || ends[0].Kind != kind {
			t.Errorf("%s: it ended as %+v", kind, ends)
			continue
		}
		// Raised by the second poll, at 60 s, and over by the third without, at 330 s: four and a half minutes.
		n := alert.Group(ends, []alert.Subject{{ID: "r1-0"}})[0]
		if n.Detail != tc.want || n.Say(words.English) != tc.want {
			t.Errorf("%s: %q and %q, want %q", kind, n.Detail, n.Say(words.English), tc.want)
		}
		for _, l := range []words.Language{words.Russian, words.Kazakh} {
			if text := n.Say(l); text == tc.want || strings.Contains(text, "{") || !strings.Contains(text, "5 ") {
				t.Errorf("%s in %s: %q", kind, l, text)
			}
		}
	}
	begun := time.Unix(0, 0)
	for seconds, want := range map[int]string{0: "over after 0 s", 59: "over after 59 s", 60: "over after 1 min",
		3599: "over after 1 h 0 min", 90_000: "over after 25 h 0 min", -5: "over after 0 s"} {
		over := alert.Over(begun, begun.Add(time.Duration(seconds)*time.Second), farm.Finding{})
		if got := over.In(words.English); got != want {
			t.Errorf("after %d s: %q, want %q", seconds, got, want)
		}
	}
}

func TestSilence(t *testing.T) {
	all := slices.Concat(changes(alert.Offline, 0, 6), changes(alert.Hot, 1))
	for name, tc := range map[string]struct {
		silence alert.Silence
		left    int
	}{
		"rack":    {alert.Silence{Selector: "north/c1/r1", Until: 2 * usage.Hour}, 1},
		"kind":    {alert.Silence{Selector: "*", Kinds: []alert.Kind{alert.Offline}, Until: 2 * usage.Hour}, 1},
		"machine": {alert.Silence{Selector: "r2-0", Until: 2 * usage.Hour}, 2},
		"over":    {alert.Silence{Selector: "*", Until: usage.Hour}, 3},
		"part":    {alert.Silence{Selector: "nor", Until: 2 * usage.Hour}, 3},
	} {
		if got, held := alert.Silenced(all, subjects(), []alert.Silence{tc.silence}); len(got) != tc.left || len(got)+len(held) != len(all) {
			t.Errorf("%s: %d changes are left, want %d", name, len(got), tc.left)
		}
	}
}

// A code is raised by the second poll, again when another comes, and cleared by the third poll without any;
// machines with different codes are told apart.
func TestCodes(t *testing.T) {
	var d alert.Detector
	var got []string
	for i, codes := range []string{"", "w/110", "w/110", "w/110", "w/218 w/110", "w/110", "", "", "", ""} {
		at := usage.Instant(i+1) * 30 * usage.Second
		o := alert.Observation{At: at, Answered: true, Accepted: -1, Rejected: -1, Codes: strings.Fields(codes), Poll: usage.Poll{At: at, Elapsed: 1000 + int64(i)*30, TotalMH: -1, Boards: -1, SlowestFan: 4000, PoolAlive: true}}
		for _, c := range d.Observe(o) {
			got = append(got, fmt.Sprintf("%d %t %s", i, c.Raised, c.Codes))
		}
	}
	if want := []string{"2 true w/110", "4 true w/110 w/218", "8 false w/110 w/218"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var changes []alert.Change
	for i := range 4 {
		changes = append(changes, alert.Change{Machine: i, Kind: alert.Code, Raised: true, Codes: []string{"w/110", "w/218"}[i/3]})
	}
	for _, s := range alert.Stand(alert.Group(changes, subjects())) {
		if want := map[bool]string{true: "w/218", false: "w/110"}[s.Machine == subjects()[3].ID]; s.Codes != want {
			t.Errorf("%s stands with %s", s.Machine, s.Codes)
		}
	}
}
