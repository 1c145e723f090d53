package node_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// serveStory serves the log of a network in which everything happened once, and returns what was to become of it.
func serveStory(t *testing.T) (*sim.Chain, *livestate.State, *httptest.Server) {
	t.Helper()
	w := sim.NewWorld(33)
	state := livestate.New([32]byte{3})
	chain, _ := w.Story(state)
	options := txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, FS: disk.New(1).FS(),
		SegmentBytes: 1 << 20}
	log, err := txlog.Open("data/log", options)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range chain.Blocks {
		batch, err := log.Stage(block)
		if err == nil {
			err = log.Commit(batch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.Publish(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(node.Config{Dir: "data", Options: options, NoIndex: true})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", n.Log().Handler())
	mux.Handle("/tile/entries/", n.Log().EntriesHandler())
	server := httptest.NewServer(mux)
	t.Cleanup(func() { server.Close(); n.Close() })
	err = n.View(context.Background(), func(s *livestate.State, _ node.Head) {
		if stateRoot(t, s) != stateRoot(t, state) {
			t.Error("the node recovered another state from the log")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return chain, state, server
}

func fetch(server *httptest.Server, path string) ([]byte, error) {
	response, err := server.Client().Get(server.URL + "/" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, response.Status)
	}
	return body, err
}

// tiles lets the Go checksum database's client read; it writes the height of tiles into their paths.
type tiles struct{ server *httptest.Server }

func (tiles) Height() int                     { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (r tiles) ReadTiles(wanted []tlog.Tile) (all [][]byte, err error) {
	for _, tile := range wanted {
		data, err := fetch(r.server, strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func TestSumdbClientReadsTheLedger(t *testing.T) {
	chain, _, server := serveStory(t)
	verifier, err := note.NewVerifier(chain.Genesis.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := fetch(server, "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(opened.Text, "\n")
	size, _ := strconv.ParseInt(lines[1], 10, 64)
	root, err := tlog.ParseHash(lines[2])
	if err != nil || size != int64(chain.Size) || txlog.Hash(root) != chain.Root() {
		t.Fatalf("checkpoint of %d entries with %s: %v", size, root, err)
	}
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{server})
	index := int64(0)
	for _, block := range chain.Blocks {
		for _, entry := range block {
			proof, err := tlog.ProveRecord(size, index, reader)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)); err != nil {
				t.Fatal(err)
			}
			index++
		}
	}
}

// From here on: a reader of its own, on SHA-256 and Ed25519 alone. It downloads the log, checks its root
// and signature, and counts the money: what was issued, spent and redeemed, and what lives.

// plain reads CBOR as the ledger writes it.
type plain struct {
	data []byte
	at   int
}

func (p *plain) head() (major byte, n uint64) {
	first := p.data[p.at]
	p.at++
	if n = uint64(first & 31); n >= 24 && n <= 27 {
		width := 1 << (n - 24)
		n = 0
		for _, b := range p.data[p.at : p.at+width] {
			n = n<<8 | uint64(b)
		}
		p.at += width
	}
	return first >> 5, n
}

func (p *plain) number() uint64 { _, n := p.head(); return n }

func (p *plain) bytes() []byte {
	_, n := p.head()
	p.at += int(n)
	return p.data[p.at-int(n) : p.at]
}

// skip passes over one item.
func (p *plain) skip() {
	major, n := p.head()
	switch major {
	case 2, 3:
		p.at += int(n)
	case 4:
		for range n {
			p.skip()
		}
	}
}

// purse counts tokens by id.
type purse struct {
	live                    map[[32]byte]uint64
	issued, redeemed, total uint64
}

func (c *purse) add(tx [32]byte, index int, amount uint64) {
	if amount > 0 {
		c.live[sha256.Sum256(binary.BigEndian.AppendUint16(tx[:], uint16(index)))] = amount
		c.total += amount
	}
}

// spend removes the tokens of a list of ids.
func (c *purse) spend(p *plain) (sum uint64, err error) {
	for range p.number() {
		id := [32]byte(p.bytes())
		if c.live[id] == 0 {
			return 0, fmt.Errorf("token %x is not live", id)
		}
		sum += c.live[id]
		delete(c.live, id)
	}
	c.total -= sum
	return sum, nil
}

// effects books [] or [spent ids, [[wallet, amount, …], …]].
func (c *purse) effects(p *plain, makes [32]byte) (in, out uint64, err error) {
	if p.number() == 0 {
		return 0, 0, nil
	}
	in, err = c.spend(p)
	for i := range int(p.number()) {
		_, items := p.head()
		p.skip()
		amount := p.number()
		c.add(makes, i, amount)
		out += amount
		for range items - 2 {
			p.skip()
		}
	}
	return in, out, err
}

// transaction books [kind, valid-until, …] of the kinds that move money, and the effects after it.
func (c *purse) transaction(body []byte, after *plain) error {
	id, p := sha256.Sum256(body), &plain{data: body}
	p.head()
	kind := p.number()
	p.skip()
	var in, out uint64
	var err error
	switch kind {
	case 1: // transfer: parties, payers, inputs, outputs, memo
		p.skip()
		p.skip()
		in, err = c.spend(p)
		for i := range int(p.number()) {
			_, items := p.head()
			p.skip()
			amount := p.number()
			c.add(id, i, amount)
			out += amount
			for range items - 2 {
				p.skip()
			}
		}
	case 21: // marked-transfer: parties, inputs, outputs, document, memo
		p.skip()
		in, err = c.spend(p)
		for i := range int(p.number()) {
			_, items := p.head()
			p.skip()
			amount := p.number()
			c.add(id, i, amount)
			out += amount
			for range items - 2 {
				p.skip()
			}
		}
	case 36, 37: // openers: no tokens
	case 23, 24, 30, 31, 32, 33, 34, 35:
		// create and act, purses: so many fields, inputs, …; from 33 on nobody brings any
		if fields, brings := map[uint64]int{23: 5, 24: 5, 30: 3, 31: 8, 32: 2}[kind]; brings {
			for range fields {
				p.skip()
			}
			if in, err = c.spend(p); err != nil {
				return err
			}
		}
		held, made, err := c.effects(after, id)
		if err != nil || in+held != made {
			return fmt.Errorf("kind %d: %d and %d become %d: %v", kind, in, held, made, err)
		}
		in = 0
	case 2: // issue: sequence, to, amounts
		p.skip()
		p.skip()
		for i := range int(p.number()) {
			amount := p.number()
			c.add(id, i, amount)
			c.issued += amount
		}
	case 3: // redeem: from, inputs, amount, change
		p.skip()
		in, err = c.spend(p)
		amount, change := p.number(), p.number()
		c.add(id, 0, change)
		c.redeemed, out = c.redeemed+amount, amount+change
	case 11: // seize: wallet, inputs, amount, change, court, case
		p.skip()
		in, err = c.spend(p)
		amount, change := p.number(), p.number()
		c.add(id, 0, amount)
		c.add(id, 1, change)
		out = amount + change
	case 26: // release: held, for, by, inputs, amount, change, to
		for range 3 {
			p.skip()
		}
		in, err = c.spend(p)
		amount, change := p.number(), p.number()
		c.add(id, 0, amount)
		c.add(id, 1, change)
		out = amount + change
	}
	if err == nil && in != out {
		err = fmt.Errorf("transaction %x takes %d and makes %d", id, in, out)
	}
	return err
}

// entry books an entry; a leaf must state what was counted when its block ends, at the next leaf.
func (c *purse) entry(data []byte, stated *[3]uint64) error {
	p := &plain{data: data}
	p.head()
	switch p.number() {
	case 0: // leaf: height, time, count, rules, previous, issued, redeemed, circulating
		if *stated != [3]uint64{c.issued, c.redeemed, c.total} {
			return fmt.Errorf("a leaf states %v, counted %d, %d, %d", *stated, c.issued, c.redeemed, c.total)
		}
		for range 5 {
			p.skip()
		}
		*stated = [3]uint64{p.number(), p.number(), p.number()}
	case 1: // [transaction = [body, witnesses], effects]
		p.head()
		from := p.at
		p.skip()
		body := data[from:p.at]
		p.skip() // witnesses
		return c.transaction(body, p)
	case 2: // [kind, wallet, effects] of a contract's end or a return
		kind := p.number()
		if kind < 4 || kind == 6 {
			return nil
		}
		wallet := p.bytes()
		makes := sha256.Sum256(append([]byte("aqsha end v1\x00"), wallet...))
		if kind == 5 {
			look := *p
			look.head()
			look.head()
			makes = [32]byte(look.bytes())
		}
		if in, out, err := c.effects(p, makes); err != nil || in != out {
			return fmt.Errorf("a system entry makes %d of %d: %v", out, in, err)
		}
	}
	return nil
}

// treeRoot is RFC 6962 §2.1, as it stands there.
func treeRoot(entries [][]byte) [32]byte {
	switch n := len(entries); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, entries[0]...))
	default:
		k := 1 << (bits.Len(uint(n-1)) - 1)
		left, right := treeRoot(entries[:k]), treeRoot(entries[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

func TestAReaderOfItsOwnCountsTheMoney(t *testing.T) {
	chain, state, server := serveStory(t)
	signed, err := fetch(server, "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	text, signature, _ := strings.Cut(string(signed), "\n\n")
	lines := strings.Split(text, "\n")
	size, _ := strconv.Atoi(lines[1])
	var entries [][]byte
	for from := 0; from < size; from += 256 {
		path := fmt.Sprintf("tile/entries/%03d", from/256)
		if n := size - from; n < 256 {
			path += fmt.Sprintf(".p/%d", n)
		}
		bundle, err := fetch(server, path)
		if err != nil {
			t.Fatal(err)
		}
		for len(bundle) > 0 {
			n := 2 + int(binary.BigEndian.Uint16(bundle))
			entries, bundle = append(entries, bundle[2:n]), bundle[n:]
		}
	}
	root := treeRoot(entries)
	if base64.StdEncoding.EncodeToString(root[:]) != lines[2] {
		t.Fatal("the entries do not give the checkpoint's root")
	}
	// The key stands in the genesis: NAME+ID+base64(1 ‖ key). A signature line ends in base64(ID ‖ signature).
	key, _ := base64.StdEncoding.DecodeString(chain.Genesis.LogKey[strings.LastIndex(chain.Genesis.LogKey, "+")+1:])
	if !bytes.Contains(entries[0], []byte(chain.Genesis.LogKey)) {
		t.Fatal("the genesis does not name the log's key")
	}
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(signature[strings.LastIndex(signature, " ")+1:]))
	if len(key) != 33 || len(raw) != 68 || !ed25519.Verify(key[1:], []byte(text+"\n"), raw[4:]) {
		t.Fatal("the log's key did not sign the checkpoint")
	}
	c, stated := purse{live: map[[32]byte]uint64{}}, [3]uint64{}
	for i, entry := range entries {
		if err := c.entry(entry, &stated); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	live, _ := state.Counts()
	if c.total != uint64(state.LiveTotal()) || len(c.live) != live ||
		stated != [3]uint64{c.issued, c.redeemed, c.issued - c.redeemed} {
		t.Errorf("counted %d in %d tokens, issued %d, redeemed %d", c.total, len(c.live), c.issued, c.redeemed)
	}
}
