package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

// Limits of a case.
const (
	maxFiles = 200
	maxCases = 10_000
)

// Case is a recorded machine.
type Case struct {
	Name   string
	Joined bool // whether the firmware takes "a+b"

	rpc, web map[string][]byte
}

// Load reads a folder.
func Load(dir string) (*Case, error) {
	c := &Case{Name: filepath.Base(dir), Joined: true, rpc: map[string][]byte{}, web: map[string][]byte{}}
	for sub, to := range map[string]map[string][]byte{"rpc": c.rpc, "http": c.web} {
		if err := read(filepath.Join(dir, sub), to); err != nil {
			return nil, err
		}
	}
	if len(c.rpc)+len(c.web) == 0 {
		return nil, farm.Refuse("no-recording", "case", "%s: want a folder with rpc/COMMAND.txt or http/PATH.txt", dir)
	}
	var about struct {
		Joined string `json:"_joinedCommands"`
	}
	content, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err == nil {
		if err := json.Unmarshal(content, &about); err != nil {
			return nil, fmt.Errorf("%s: expected.json: %w", dir, err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	c.Joined = about.Joined != "none"
	return c, nil
}

func read(dir string, to map[string][]byte) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(files) > maxFiles {
		return farm.Refuse("farm-too-many", "case", "%s: more than %d files", dir, maxFiles)
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".txt")
		if !ok || f.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return err
		}
		if len(content) > 8*protocol.MaxReply {
			return farm.Refuse("farm-too-large", "case", "%s: more than %d bytes", f.Name(), 8*protocol.MaxReply)
		}
		to[name] = bytes.TrimRight(content, "\n")
	}
	return nil
}

// LoadAll reads a case, or a folder of cases in the order of their names.
func LoadAll(dir string) ([]*Case, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	// One case, or a folder of them, is told by what a case must have: nobody has to say which he gives.
	for _, sub := range []string{"rpc", "http"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err == nil && info.IsDir() {
			c, err := Load(dir)
			return []*Case{c}, err
		}
	}
	var out []*Case
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		c, err := Load(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if out = append(out, c); len(out) > maxCases {
			return nil, farm.Refuse("farm-too-many", "cases", "more than %d", maxCases)
		}
	}
	if len(out) == 0 {
		return nil, farm.Refuse("no-recording", "folder",
			"%s: want a case (rpc/COMMAND.txt, http/PATH.txt) or folders of them", dir)
	}
	return out, nil
}

// Framed says whether the machine speaks on the framed port.
func (c *Case) Framed() bool {
	for name := range c.rpc {
		if strings.HasPrefix(name, "get.") {
			return true
		}
	}
	return false
}

// HasWeb says whether pages are recorded.
func (c *Case) HasWeb() bool { return len(c.web) > 0 }

var (
	errRefused  = errors.New("connection refused: nothing of this kind is recorded")
	errNotFound = farm.Refuse("http", "reply", "404 Not Found")
)

// Command implements fleet.Link.
func (c *Case) Command(_ context.Context, request string, framed bool) ([]byte, error) {
	if len(c.rpc) == 0 || framed != c.Framed() {
		return nil, errRefused
	}
	reply := c.Answer([]byte(request))
	if len(reply) == 0 {
		return nil, farm.Refuse("farm-empty", "reply", "the machine closed without an answer")
	}
	return reply, nil
}

// Answer is the machine's reply on the socket.
func (c *Case) Answer(request []byte) []byte {
	var asked struct {
		Command string `json:"command"`
		Cmd     string `json:"cmd"`
		Param   any    `json:"param"`
	}
	if json.Unmarshal(request, &asked) != nil {
		asked.Command = strings.TrimSpace(string(request))
	}
	name := asked.Command
	if name == "" {
		name = asked.Cmd
	}
	if parameter, ok := asked.Param.(string); ok && parameter != "" {
		return c.withParameter(name, parameter)
	}
	// Firmwares answer several commands at once, joined by a plus: what was recorded apart is put together, and the
	// other way round below.
	if strings.Contains(name, "+") {
		return c.joined(name)
	}
	if reply, ok := c.rpc[name]; ok {
		return reply
	}
	for file, reply := range c.rpc {
		if sections, ok := strings.CutPrefix(file, "joined."); ok && slices.Contains(strings.Split(sections, "+"),
			name) {
			if part := cut(reply, name); part != nil {
				return part
			}
		}
	}
	return unknown
}

// unknown is the reply to a command that is not recorded.
var unknown = []byte(
	`{"STATUS":[{"STATUS":"E","When":0,"Code":14,"Msg":"Invalid command","Description":"not recorded"}],"id":1}`)

func (c *Case) joined(name string) []byte {
	if !c.Joined {
		return unknown
	}
	for file, reply := range c.rpc {
		if file == "joined" || strings.HasPrefix(file, "joined.") {
			return reply
		}
	}
	names := strings.Split(name, "+")
	parts, some := make([][]byte, len(names)), false
	for i, single := range names {
		parts[i] = unknown
		if reply, ok := c.rpc[single]; ok {
			parts[i], some = reply, true
		}
	}
	if !some {
		return unknown
	}
	return protocol.Join(names, parts)
}

// withParameter joins the recorded parts of a command whose parameter is joined, as Whatsminer's API 3 does.
func (c *Case) withParameter(name, parameter string) []byte {
	members := []string{}
	for _, part := range strings.Split(parameter, "+") {
		if part := member(c.rpc[name+"--"+part], part); part != nil {
			members = append(members, string(part))
		}
	}
	if len(members) == 0 {
		return unknown
	}
	return []byte(`{"code":0,"desc":"` + name + `","msg":{` + strings.Join(members, ",") + "}}")
}

// member cuts "name":value out of a reply's msg.
func member(reply []byte, name string) []byte {
	var parsed struct {
		Msg map[string]json.RawMessage `json:"msg"`
	}
	if json.Unmarshal(reply, &parsed) != nil || parsed.Msg[name] == nil {
		return nil
	}
	return append([]byte(`"`+name+`":`), parsed.Msg[name]...)
}

// cut takes the reply to one command out of a joined one, which need not be good JSON.
func cut(reply []byte, name string) []byte {
	at := bytes.Index(reply, []byte(`"`+name+`":[`))
	if at < 0 {
		return nil
	}
	start := at + len(name) + 4
	depth, quoted := 0, false
	for i := start; i < len(reply); i++ {
		switch b := reply[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			depth++
		case b == '}' || b == ']':
			if depth--; depth == 0 {
				return reply[start : i+1]
			}
		}
	}
	return nil
}

// Web implements fleet.Link.
func (c *Case) Web(_ context.Context, _ protocol.Protocol, request string) ([]byte, error) {
	if len(c.web) == 0 {
		return nil, errRefused
	}
	method, rest, _ := strings.Cut(request, " ")
	path, body, _ := strings.Cut(rest, " ")
	if reply := c.Page(method, path, body); reply != nil {
		return reply, nil
	}
	return nil, errNotFound
}

// Page is the machine's reply over HTTP; nil when it is not recorded. GraphQL queries are recorded under
// their names: "graphql-NAME".
func (c *Case) Page(_, path, body string) []byte {
	path, _, _ = strings.Cut(strings.TrimPrefix(path, "/"), "?")
	name := strings.ReplaceAll(path, "/", "__")
	if reply, ok := c.web[name]; ok {
		return reply
	}
	if name != "graphql" {
		return nil
	}
	_, query, _ := strings.Cut(body, "query ")
	query, _, _ = strings.Cut(query, "{")
	return c.web["graphql-"+strings.TrimSpace(query)]
}
