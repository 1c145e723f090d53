package miner

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// API answers fleet software as cgminer does, read only (API 3.7: port 4028, one request a
// connection, JSON or plain text, answers end with a NUL).
type API struct {
	Stats   *Stats
	Version string
	Now     func() time.Time
}

const (
	// The API is open to whoever reaches its address, and is read like what strangers send.
	apiTimeout    = 5 * time.Second
	maxAPIRequest = 4 << 10
	maxAPIClients = 32
)

// Codes of cgminer's answers.
const (
	codePools      = 7
	codeSummary    = 11
	codeInvalid    = 14
	codeVersion    = 22
	codeBadJSON    = 23
	codeDenied     = 45
	codeStats      = 70
	codeDevices    = 9
	codeNoCommand  = 24
	statusSuccess  = "S"
	statusError    = "E"
	apiDescription = "aqsha"
)

// Serve answers until ctx ends and then closes the listener. A connection is for one question, as in cgminer's API,
// and answered within apiTimeout; beyond maxAPIClients at once they are closed.
func (a *API) Serve(ctx context.Context, listener net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	slots := make(chan struct{}, maxAPIClients)
	for {
		conn, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		select {
		case slots <- struct{}{}:
			go func() {
				defer func() { _ = conn.Close(); <-slots }()
				_ = conn.SetDeadline(time.Now().Add(apiTimeout))
				_, _ = conn.Write(append(a.Answer(readRequest(conn)), 0))
			}()
		default:
			_ = conn.Close()
		}
	}
}

// readRequest takes what came until a newline, a NUL, a whole JSON object or the limit.
func readRequest(conn io.Reader) []byte {
	reader := bufio.NewReader(io.LimitReader(conn, maxAPIRequest))
	var request []byte
	for {
		b, err := reader.ReadByte()
		if err != nil || b == '\n' || b == 0 {
			return request
		}
		request = append(request, b)
		// Clients neither end the line nor close; what has come is the request.
		if reader.Buffered() == 0 && (request[0] != '{' || json.Valid(request)) {
			return request
		}
	}
}

type section struct {
	name string
	rows []row
}

// row keeps the order of its fields, because plain answers are read by position too.
type row []field

type field struct {
	name  string
	value any
}

// Answer is the reply to one request, without the final NUL.
func (a *API) Answer(request []byte) []byte {
	text := strings.TrimSpace(string(request))
	if !strings.HasPrefix(text, "{") {
		command, _, _ := strings.Cut(text, "|")
		status, body := a.run(command)
		return a.plain(status, body)
	}
	var asked struct {
		Command string `json:"command"`
	}
	if json.Unmarshal([]byte(text), &asked) != nil {
		return a.json(a.status(statusError, codeBadJSON, "Invalid JSON"), nil)
	}
	commands := strings.Split(asked.Command, "+")
	if len(commands) == 1 {
		return a.json(a.run(asked.Command))
	}
	// Joined commands: {"summary":[{…}],"pools":[{…}],"id":1}.
	parts := make([]string, 0, len(commands))
	for _, command := range commands[:min(len(commands), 10)] {
		name, _ := json.Marshal(command)
		parts = append(parts, fmt.Sprintf("%s:[%s]", name, a.json(a.run(command))))
	}
	return []byte("{" + strings.Join(parts, ",") + `,"id":1}`)
}

func (a *API) status(kind string, code int, text string) row {
	return row{{"STATUS", kind}, {"When", a.Now().Unix()}, {"Code", code}, {"Msg", text},
		{"Description", apiDescription + " " + a.Version}}
}

// run answers one command from the counts as they are now.
func (a *API) run(command string) (row, *section) {
	s := a.Stats.Summary(a.Now())
	switch command {
	case "version":
		return a.status(statusSuccess, codeVersion, "CGMiner versions"),
			&section{"VERSION", []row{{{"Miner", apiDescription + " " + a.Version}, {"CGMiner", "4.13.6"},
				{"API", "3.7"}}}}
	case "summary":
		return a.status(statusSuccess, codeSummary, "Summary"), &section{"SUMMARY", []row{summaryRow(s)}}
	case "pools":
		return a.status(statusSuccess, codePools, "1 Pool(s)"), &section{"POOLS", []row{poolRow(s)}}
	case "devs", "edevs":
		return a.status(statusSuccess, codeDevices, "1 CPU(s)"), &section{"DEVS", []row{{
			{"CPU", 0}, {"Name", "CPU"}, {"ID", 0}, {"Enabled", "Y"}, {"Status", "Alive"}, {"Kernel", s.Kernel},
			{"Threads", s.Threads},
			{"MHS av", round2(s.MHAverage)}, {"MHS 5s", round2(s.MH5s)}, {"MHS 1m", round2(s.MH1m)},
			{"Accepted", s.Accepted}, {"Rejected", s.RejectedTotal()},
			{"Hardware Errors", 0}, {"Device Elapsed", int(s.ElapsedSeconds)},
		}}}
	case "stats", "estats":
		return a.status(statusSuccess, codeStats, "CGMiner stats"), &section{"STATS", []row{{
			{"STATS", 0}, {"ID", "CPU0"}, {"Elapsed", int(s.ElapsedSeconds)}, {"Kernel", s.Kernel},
			{"Threads", s.Threads}, {"Hashes", s.Hashes},
		}}}
	// The API answers anybody who reaches its port and has no passwords: it reads and never commands. As cgminer does
	// without W: access, it names the command and denies it.
	case "quit", "restart", "switchpool", "addpool", "removepool", "enablepool", "disablepool", "setconfig", "save",
		"privileged", "zero", "failover-only":
		return a.status(statusError, codeDenied, "Access denied to '"+command+"' command"), nil
	case "":
		return a.status(statusError, codeNoCommand, "Missing JSON 'command'"), nil
	}
	return a.status(statusError, codeInvalid, "Invalid command"), nil
}

// summaryRow has cgminer's names for the miner's own counts.
func summaryRow(s Summary) row {
	rejected := s.RejectedTotal()
	total := s.DifficultyAccepted + s.DifficultyRejected
	return row{
		{"Elapsed", int(s.ElapsedSeconds)}, {"MHS av", round2(s.MHAverage)}, {"MHS 5s", round2(s.MH5s)},
		{"MHS 1m", round2(s.MH1m)}, {"MHS 15m", round2(s.MH15m)},
		{"Found Blocks", s.Blocks}, {"Getworks", s.Jobs}, {"Accepted", s.Accepted}, {"Rejected", rejected},
		{"Hardware Errors", 0},
		{"Utility", round2(float64(s.Accepted) / max(s.ElapsedSeconds/60, 1e-9))}, {"Discarded", 0},
		{"Stale", staleOf(s)}, {"Total MH", round2(float64(s.Hashes) / 1e6)},
		{"Difficulty Accepted", s.DifficultyAccepted}, {"Difficulty Rejected", s.DifficultyRejected},
		{"Best Share", int64(s.BestShare)},
		{"Device Hardware%", 0.0}, {"Pool Rejected%", round2(100 * s.DifficultyRejected / max(total, 1e-300))},
	}
}

// poolRow is the one pool that the miner works for.
func poolRow(s Summary) row {
	status := "Dead"
	if s.Alive {
		status = "Alive"
	}
	last := int64(0)
	if !s.LastShare.IsZero() {
		last = s.LastShare.Unix()
	}
	return row{
		{"POOL", 0}, {"URL", s.Source}, {"Status", status}, {"Priority", 0}, {"Getworks", s.Jobs},
		{"Accepted", s.Accepted}, {"Rejected", s.RejectedTotal()},
		{"Stale", staleOf(s)}, {"User", s.User}, {"Last Share Time", last},
		{"Difficulty Accepted", s.DifficultyAccepted}, {"Difficulty Rejected", s.DifficultyRejected},
		{"Has Stratum", strings.HasPrefix(s.Source, "stratum")}, {"Stratum Active", s.Alive},
		{"Stratum Difficulty", s.Difficulty}, {"Best Share", int64(s.BestShare)},
	}
}

// staleOf counts the rejections whose reason speaks of an old job.
func staleOf(s Summary) (n uint64) {
	for reason, count := range s.Rejected {
		if lower := strings.ToLower(reason); strings.Contains(lower, "stale") || strings.Contains(lower, "job") {
			n += count
		}
	}
	return n
}

func round2(x float64) json.RawMessage { return json.RawMessage(fmt.Sprintf("%.2f", x)) }

// json keeps the order of the fields, as cgminer does.
func (r row) json() string {
	parts := make([]string, len(r))
	for i, f := range r {
		name, _ := json.Marshal(f.name)
		value, _ := json.Marshal(f.value)
		parts[i] = string(name) + ":" + string(value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// json is a reply: the status, the rows where there are any, and the number that all replies have.
func (a *API) json(status row, body *section) []byte {
	out := `{"STATUS":[` + status.json() + "]"
	if body != nil {
		rows := make([]string, len(body.rows))
		for i, r := range body.rows {
			rows[i] = r.json()
		}
		out += `,"` + body.name + `":[` + strings.Join(rows, ",") + "]"
	}
	return []byte(out + `,"id":1}`)
}

// plain is the form of API 1: sections ended by |, fields by commas. Values lose both.
func (a *API) plain(status row, body *section) []byte {
	clean := strings.NewReplacer("|", " ", ",", " ", "=", " ")
	line := func(first string, r row) string {
		var parts []string
		if first != "" {
			parts = append(parts, first)
		}
		for _, f := range r {
			value := fmt.Sprint(f.value)
			if raw, ok := f.value.(json.RawMessage); ok {
				value = string(raw)
			}
			parts = append(parts, f.name+"="+clean.Replace(value))
		}
		return strings.Join(parts, ",") + "|"
	}
	out := line("", status)
	if body != nil {
		for _, r := range body.rows {
			first := body.name
			if len(r) > 0 && r[0].name == strings.TrimSuffix(body.name, "S") {
				first = "" // POOL=0,…: the first field names the row
			}
			out += line(first, r)
		}
	}
	return []byte(out)
}
