// Package errtext says errors of Go's libraries in words for whoever reads them at a door of the program: the command
// line or the API. What lies between wraps errors as they are, and every library names its own parts in them: types of
// Go, methods, system calls. They mean nothing to a user, and their wording is not ours to keep.
//
// It may import the standard library.
package errtext

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// saying is how one kind of an error reads in Go, and how for people.
type saying struct {
	form *regexp.Regexp
	says string
}

// kinds are values as JSON and TOML call them.
var kinds = strings.NewReplacer("uint64", "a whole number", "uint32", "a whole number", "uint16", "a whole number",
	"uint8", "a whole number", "int64", "a whole number",
	"int32", "a whole number", "int", "a whole number", "uint", "a whole number", "float64", "a number", "bool",
	"true or false", "string", "a text")

// values are what JSON has, as encoding/json calls it.
var values = map[string]string{"string": "a text", "number": "a number", "array": "a list", "object": "an object",
	"bool": "true or false",
	// YAML's tags, TOML's types and CBOR's
	"str": "a text", "int": "a whole number", "integer": "a whole number", "float": "a number", "seq": "a list",
	"map": "an object", "null": "nothing",
	"boolean": "true or false", "table": "an object", "text": "a text", "byte": "bytes", "positive": "a whole number",
	"negative": "a negative number"}

// sayings are tried in this order, each on what those before it have left. A source is named where the wording is its
// own.
var sayings = []saying{
	// encoding/json
	{regexp.MustCompile(`\bstruct \{.*\}`), "struct"},
	// A number that does not fit is named by the library with its digits, one of the wrong kind without.
	{regexp.MustCompile(
		`json: cannot unmarshal number ([^ ]+) into Go struct field [\w.\[\]]*?\.?(\w+) of type float\d+`),
		"${2}: the number ${1} is out of range"},
	{regexp.MustCompile(`json: cannot unmarshal number ([^ ]+) into Go value of type float\d+`),
		"the number ${1} is out of range"},
	{regexp.MustCompile(
		`json: cannot unmarshal (\w+)( [^ ]+)? into Go struct field [\w.\[\]]*?\.?(\w+) of type ([\w.\[\]*/-]+)`),
		"${3}: has <kind json:${1}> where there must be <kind ${4}>"},
	{regexp.MustCompile(`json: cannot unmarshal (\w+)( [^ ]+)? into Go value of type ([\w.\[\]*/-]+)`),
		"has <kind json:${1}> where there must be <kind ${3}>"},
	{regexp.MustCompile(`json: unknown field ("[^"]*")`), "the field ${1} is not known"},
	{regexp.MustCompile(`json: (?:unsupported|error calling)[^:]*: `), ""},
	{regexp.MustCompile(
		`invalid character ('[^']*'|'\\''|'"') (?:looking for beginning of value|looking for beginning of object key string|after [a-z: -]*|in [\w \\-]*(?:\(expecting [^)]*\))?)`), "is no JSON: ${1} stands where it must not"},
	{regexp.MustCompile(`unexpected end of JSON input`), "is no JSON: it ends too early"},
	// strconv
	{regexp.MustCompile(`strconv\.Parse(?:Int|Uint)|strconv\.Atoi`), "<whole>"},
	{regexp.MustCompile(`<whole>: parsing ("(?:[^"\\]|\\.)*"): invalid syntax`), "${1} is no whole number"},
	{regexp.MustCompile(`strconv\.ParseFloat: parsing ("(?:[^"\\]|\\.)*"): invalid syntax`), "${1} is no number"},
	{regexp.MustCompile(`strconv\.ParseBool: parsing ("(?:[^"\\]|\\.)*"): invalid syntax`),
		"${1} is neither true nor false"},
	{regexp.MustCompile(`(?:<whole>|strconv\.\w+): parsing ("(?:[^"\\]|\\.)*"): value out of range`),
		"${1} is too large"},
	{regexp.MustCompile(`(?:<whole>|strconv\.\w+): parsing ("(?:[^"\\]|\\.)*"): `), "${1}: "},
	// encoding/hex and base64
	{regexp.MustCompile(`encoding/hex: invalid byte: (?:U\+[0-9A-F]+ )?('[^']*')`), "${1} is no hexadecimal digit"},
	{regexp.MustCompile(`encoding/hex: odd length hex string`), "an odd number of hexadecimal digits"},
	{regexp.MustCompile(`illegal base64 data at input byte (\d+)`), "is no base64 from its byte ${1} on"},
	// net and net/http
	{regexp.MustCompile(`(?:Get|Post|Put|Head|Delete) "([^"]*)": `), "${1}: "},
	{regexp.MustCompile(`dial (?:tcp|tcp4|tcp6|udp|unix) (?:[^ ]+->)?([^ ]+): connect: `), "${1} does not answer: "},
	{regexp.MustCompile(
		`dial (?:tcp|tcp4|tcp6|udp): lookup ([^ :]+)(?: on [^ ]+)?: (?:no such host|.*: server misbehaving)`),
		"the name ${1} is not known"},
	{regexp.MustCompile(`dial (?:tcp|tcp4|tcp6|udp|unix):? ?([^ ]*): i/o timeout`), "${1} did not answer in time"},
	{regexp.MustCompile(`dial (?:tcp|tcp4|tcp6|udp|unix):? ?`), ""},
	{regexp.MustCompile(`listen (?:tcp|tcp4|tcp6|unix) ([^ ]+): bind: address already in use`),
		"${1} is in use by another program"},
	{regexp.MustCompile(
		`listen (?:tcp|tcp4|tcp6|unix) ([^ ]+): bind: (?:permission denied|cannot assign requested address)`),
		"${1} is not this machine's to listen on"},
	{regexp.MustCompile(`listen (?:tcp|tcp4|tcp6|unix):? ?`), ""},
	{regexp.MustCompile(`(?:read|write) (?:tcp|tcp4|tcp6|unix) [^ ]+->([^ ]+): `), "${1}: "},
	{regexp.MustCompile(`lookup ([^ :]+)(?: on [^ ]+)?: no such host`), "the name ${1} is not known"},
	{regexp.MustCompile(`http: server gave HTTP response to HTTPS client`), "it speaks http, not https"},
	{regexp.MustCompile(`unsupported protocol scheme "([^"]*)"`), "want a URL with http:// or https://, not \"${1}\""},
	{regexp.MustCompile(`(?:parse|"?[^ ]*"?: parse) "([^"]*)": (?:net/url: )?`), "${1} is no URL: "},
	{regexp.MustCompile(`net/http: (?:request canceled|timeout awaiting response headers|TLS handshake timeout)[^:]*`),
		"not answered in time"},
	{regexp.MustCompile(
		` ?\(Client\.Timeout (?:exceeded while awaiting headers|or context cancellation while reading body)\)`), ""},
	{regexp.MustCompile(`context deadline exceeded`), "not done in time"},
	{regexp.MustCompile(`context canceled`), "interrupted"},
	{regexp.MustCompile(`(?:tls: failed to verify certificate: )?x509: certificate signed by unknown authority`),
		"its certificate is of an authority that is not known here"},
	{regexp.MustCompile(`(?:tls: failed to verify certificate: )?x509: `), "its certificate: "},
	{regexp.MustCompile(`missing port in address`), "the port is missing: want HOST:PORT"},
	{regexp.MustCompile(`too many colons in address`), "too many colons: want HOST:PORT, an IPv6 address in brackets"},
	// go.yaml.in/yaml
	{regexp.MustCompile(`(^|[\s(])yaml: unmarshal errors:\s*`), "${1}"},
	{regexp.MustCompile("(?m)cannot unmarshal !!(\\w+)(?: `([^`]*)`)? into ([\\w.\\[\\]*/-]+)$"),
		"has <kind json:${1}> where there must be <kind ${3}>"},
	{regexp.MustCompile(`field (\S+) not found in type [\w.]+`), "the field ${1} is not known"},
	{regexp.MustCompile(`(^|[\s(])yaml: `), "${1}"},
	// github.com/BurntSushi/toml
	{regexp.MustCompile(`toml: line (\d+) \(last key "([^"]*)"\): `), "line ${1}, ${2}: "},
	{regexp.MustCompile(`incompatible types: TOML value has type (\w+); destination has type (\w+)`),
		"has <kind json:${1}> where there must be <kind json:${2}>"},
	{regexp.MustCompile(`toml: (?:cannot decode TOML (\w+) into [^;]*)`),
		"has <kind json:${1}> where there must be something else"},
	{regexp.MustCompile(`(^|[\s(])toml: `), "${1}"},
	{regexp.MustCompile(`(\d) is out of range for u?int\d*`), "${1} is too large"},
	{regexp.MustCompile(`unexpected EOF; expected `), "it ends too early, where there must be "},
	// github.com/fxamacker/cbor
	{regexp.MustCompile(
		`cbor: cannot unmarshal (?:UTF-8 )?(\w+)(?: string| integer)? into Go (?:value|struct field (?:[\w./]*\.)?(\w+)) of type [\w.\[\]*/-]+(?: \([^()]*\))?`), "has <kind json:${1}> where there must be something else"},
	{regexp.MustCompile(`cbor: \d+ bytes? of extraneous data starting at index (\d+)`),
		"something follows from its byte ${1} on"},
	{regexp.MustCompile(`(^|[\s(])cbor: `), "${1}"},
	// github.com/tyler-smith/go-bip39
	{regexp.MustCompile(`Invalid mnenomic`), "they are not twelve words of the list (BIP 39)"},
	{regexp.MustCompile("word `([^`]*)` not found in reverse map"), "\"${1}\" is no word of the list (BIP 39)"},
	{regexp.MustCompile(`Checksum incorrect`), "they do not belong together: one is wrong, or their order"},
	// cel.dev/cel-go, whose grammar is ANTLR's
	{regexp.MustCompile(`ERROR: <input>:\d+:(\d+): `), "at character ${1}: "},
	{regexp.MustCompile(
		`Syntax error: (?:mismatched|extraneous) input '<EOF>' expecting .*|Syntax error: no viable alternative at input '[^\n]*<EOF>'`), "it ends too early"},
	{regexp.MustCompile(`Syntax error: (?:mismatched|extraneous) input ('.*') expecting .*`),
		"${1} stands where it must not"},
	{regexp.MustCompile(`Syntax error: no viable alternative at input ('.*')`), "${1} stands where it must not"},
	{regexp.MustCompile(`Syntax error: missing (.+) at '<EOF>'`), "${1} is missing at the end"},
	{regexp.MustCompile(`Syntax error: missing (.+) at ('.*')`), "${1} is missing before ${2}"},
	{regexp.MustCompile(`Syntax error: token recognition error at: ('.*)`), "${1} is no part of an expression"},
	{regexp.MustCompile(`Syntax error: `), ""},
	// time
	{regexp.MustCompile(`parsing time "([^"]*)" as "[^"]*": cannot parse [^:]* as "[^"]*"`),
		"${1} is no date and time of the form that is wanted"},
	{regexp.MustCompile(`parsing time "([^"]*)": ?`), "${1} is no date and time: "},
	{regexp.MustCompile(
		`time: (?:invalid duration|unknown unit "[^"]*" in duration|missing unit in duration) ("[^"]*")`),
		"${1} is no span of time such as 90m or 24h"},
	// encoding/csv
	{regexp.MustCompile(`record on line (\d+): wrong number of fields`), "line ${1} has another number of columns"},
	{regexp.MustCompile(
		`parse error on line (\d+), column (\d+): (?:bare|extraneous or missing) ["\\]+ in (?:non-quoted|quoted)[- ]field`), "line ${1}, column ${2}: a quotation mark stands where it must not"},
	{regexp.MustCompile(`record on line (\d+); parse error on line (\d+), column (\d+): .*`),
		"line ${2}, column ${3}: a quotation mark stands where it must not"},
	// io
	{regexp.MustCompile(`(^|: )unexpected EOF$`), "${1}it ends too early"},
	{regexp.MustCompile(`(^|: )EOF$`), "${1}it ends where something must follow"},
	{regexp.MustCompile(`map\[[^\]\n]*\]`), "an object"},
}

var (
	kindIn = regexp.MustCompile(`<kind ([^>]*)>`)
	goType = regexp.MustCompile(`^[*\w./\[\]-]*$`)
)

// needed are texts of which each saying's form has one wherever it matches; none where it may match without. Most texts
// have none of any, and looking for them costs a hundredth of trying the forms: a door says thousands of refusals a
// second.
var needed = sync.OnceValue(func() [][]string {
	all := make([][]string, len(sayings))
	for i := range sayings {
		form, err := syntax.Parse(sayings[i].form.String(), syntax.Perl)
		if err == nil { // it compiled
			all[i] = literals(form)
		}
	}
	return all
})

// literals are texts of which one is in whatever matches a form: the longest such, or none when it cannot be said.
// What may be left out (*, ?) tells nothing; of alternatives each must tell something, or all of it tells nothing.
func literals(form *syntax.Regexp) (best []string) {
	switch form.Op {
	case syntax.OpLiteral:
		if form.Flags&syntax.FoldCase == 0 {
			return []string{string(form.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literals(form.Sub[0])
	case syntax.OpConcat:
		for _, part := range form.Sub {
			if these := literals(part); shortest(these) > shortest(best) {
				best = these
			}
		}
	case syntax.OpAlternate:
		for _, part := range form.Sub {
			these := literals(part)
			if len(these) == 0 {
				return nil
			}
			best = append(best, these...)
		}
	}
	return best
}

func shortest(texts []string) int {
	if len(texts) == 0 {
		return 0
	}
	return len(slices.MinFunc(texts, func(a, b string) int { return len(a) - len(b) }))
}

// Plain is an error's text without the words of Go's libraries, and without passwords. It may be called by any
// goroutine, on a text of any length: the forms are of RE2, whose time is linear in it.
func Plain(text string) string {
	text = Redact(text)
	for i, needs := range needed() {
		if len(needs) > 0 && !slices.ContainsFunc(needs, func(need string) bool {
			return strings.Contains(text, need)
		}) {
			continue
		}
		text = sayings[i].form.ReplaceAllString(text, sayings[i].says)
	}
	if !strings.Contains(text, "<kind ") {
		return text
	}
	return kindIn.ReplaceAllStringFunc(text, func(kind string) string {
		return kindOf(kindIn.FindStringSubmatch(kind)[1])
	})
}

// kindOf says a type of Go as somebody who writes a file or a request knows it.
func kindOf(name string) string {
	switch name = strings.TrimLeft(name, "*"); {
	case strings.HasPrefix(name, "json:"):
		if said, ok := values[strings.TrimPrefix(name, "json:")]; ok {
			return said
		}
		return "something else"
	case strings.HasPrefix(name, "[]") || strings.HasPrefix(name, "["):
		return "a list"
	case strings.HasPrefix(name, "map["):
		return "an object"
	}
	if said := kinds.Replace(name); said != name && !strings.Contains(name, ".") {
		return said
	}
	if !goType.MatchString(name) {
		return "something else"
	}
	return "a value of another form"
}
