package fleet

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Model is how a kind of device behaves.
type Model struct {
	Name, Source, Agent, Password string
	Configure                     bool    `json:"configure"`
	ExtranonceSubscribe           bool    `json:"extranonce_subscribe"`
	Suggest                       float64 `json:"suggest"`               // as part of the difficulty that suits it
	SuggestEvery                  int     `json:"suggest_every_seconds"` // again, to keep the connection
	RestartExtranonce2            bool    `json:"restart_extranonce2"`   // at each job
	// goes on with a job this long unless it is told to clean
	OldJob      int  `json:"old_job_seconds"`
	RollVersion bool `json:"roll_version"`
	Unpadded    bool `json:"unpadded"` // nonces without leading zeros
	Reconnect   int  `json:"reconnect_seconds"`
	Workers     int  `json:"workers"`
	// its names: ADDRESS_rig, or with escapes; otherwise ADDRESS.rig
	Writes string `json:"writes"`
}

//go:embed devices.json
var devices []byte

// Models are the devices known.
func Models() []Model {
	var models []Model
	if err := json.Unmarshal(devices, &models); err != nil {
		panic(err) // embedded
	}
	return models
}

// device is one machine. The simulation's goroutine owns it.
//
// work is what is searched: the job with this extranonce2 and version, from position on, the next nonce. hashedTo is
// the moment up to which its rate has been turned into hashes, and carry what is left of a hash then, so that however
// finely time is cut a machine hashes at its rate. pending are the shares without an answer, by the id that they were
// sent under; turn counts submissions, by which its names take turns; partial is of a line that has not ended.
type device struct {
	*Model
	number  int
	address string
	rate    float64 // hashes per second
	latency time.Duration
	names   []string // as written in JSON
	conn    *serve.VirtualConn

	extranonce1 []byte
	mask        uint32
	difficulty  float64 // announced; holds from the next job on
	job         *stratum.Notify
	next        *stratum.Notify // taken up at nextAt
	nextAt      time.Time
	jobTarget   bitcoin.Target
	nextTarget  bitcoin.Target
	extranonce2 uint64
	work        *sha256d.Work
	version     uint32
	position    uint64
	hashedTo    time.Time
	carry       float64 // part of a hash
	ids         int
	pending     map[int]bitcoin.Hash
	partial     []byte
	turn        int
	leaving     bool // takes no more work on this connection
}

func (d *device) ready() bool { return !d.leaving && d.job != nil && d.conn != nil && !d.conn.Closed() }

// login are the lines that open a session.
func (d *device) login() (lines [][]byte) {
	say := func(format string, args ...any) {
		d.ids++
		lines = append(lines, fmt.Appendf(nil, `{"id":%d,`+format+`}`, append([]any{d.ids}, args...)...))
	}
	if d.Configure {
		say(`"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000","version-rolling.min-bit-count":2}]`)
	}
	say(`"method":"mining.subscribe","params":["%s"]`, d.Agent)
	if d.ExtranonceSubscribe {
		say(`"method":"mining.extranonce.subscribe","params":[]`)
	}
	for _, name := range d.names {
		say(`"method":"mining.authorize","params":["%s","%s"]`, name, d.Password)
	}
	if d.Suggest > 0 {
		lines = append(lines, d.suggestion())
	}
	return lines
}

func (d *device) suggestion() []byte {
	d.ids++
	suits := d.rate * 5 / hashesPerDifficulty
	return fmt.Appendf(nil, `{"id":%d,"method":"mining.suggest_difficulty","params":[%g]}`, d.ids, suits*d.Suggest)
}

// hashesPerDifficulty is 2⁴⁸/65,535, the mean number of hashes for a share of difficulty 1, whose target is
// 65,535·2²⁰⁸.
const hashesPerDifficulty = float64(1<<48) / 65535

// hear takes what the pool sent.
func (d *device) hear(data []byte, now time.Time, r *Result) error {
	data = append(d.partial, data...)
	for {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			d.partial = append([]byte(nil), data...)
			return nil
		}
		data = rest
		var m stratum.Message
		if err := m.ParsePool(line); err != nil {
			return fmt.Errorf("%s: pool sent %q: %w", d.Name, line, err)
		}
		if err := d.message(&m, now, r); err != nil {
			return fmt.Errorf("%s: %q: %w", d.Name, line, err)
		}
	}
}

// message takes what the pool sends, as this model does: some take a new job up only when the old one has been
// searched for a while.
func (d *device) message(m *stratum.Message, now time.Time, r *Result) error {
	switch string(m.Method) {
	case "mining.set_difficulty":
		difficulty, ok := m.Number(0)
		if !ok {
			return fmt.Errorf("no difficulty")
		}
		d.difficulty = difficulty
		return nil
	case "mining.notify":
		job, err := m.ParseNotify()
		if err != nil {
			return err
		}
		target, err := bitcoin.TargetOfDifficulty(d.difficulty)
		if err != nil {
			return err
		}
		if d.next, d.nextTarget, d.nextAt = job, target, now; !job.CleanJobs && d.job != nil {
			d.nextAt = now.Add(time.Duration(d.OldJob) * time.Second)
		}
		return nil
	case "":
		return d.answer(m, r)
	}
	return nil
}

// answer takes an answer by its id, as devices do that number their requests themselves.
func (d *device) answer(m *stratum.Message, r *Result) error {
	if bytes.HasPrefix(m.Result, []byte("[[")) {
		subscription, err := stratum.ParseSubscription(m.Result)
		if err != nil {
			return err
		}
		d.extranonce1 = subscription.Extranonce1
		return nil
	}
	if bytes.Contains(m.Result, []byte("version-rolling.mask")) {
		d.mask = settings.MaskBIP320
	}
	var id int
	if json.Unmarshal(m.ID, &id) != nil {
		return nil //nolint:nilerr // an answer to nothing that a device asks
	}
	if _, share := d.pending[id]; !share {
		return nil
	}
	delete(d.pending, id)
	if string(m.Result) == "true" {
		r.Accepted++
	} else {
		r.Refused[string(m.Error)]++
		r.by(d.Name).Refused++
	}
	return nil
}

// take begins the next job when its time has come.
func (d *device) take(now time.Time) {
	if d.next == nil || d.leaving || now.Before(d.nextAt) {
		return
	}
	d.job, d.jobTarget, d.next = d.next, d.nextTarget, nil
	if d.RestartExtranonce2 {
		d.extranonce2 = 0
	} else {
		d.extranonce2++
	}
	d.prepare()
}

// prepare makes the work of the device's extranonce2 and its rolled version bits (BIP 320).
func (d *device) prepare() {
	filled := append(append([]byte(nil), d.job.Head...), d.extranonce1...)
	filled = binary.BigEndian.AppendUint64(filled, d.extranonce2)
	filled = append(filled, d.job.Tail...)
	d.version = d.job.Version
	if d.RollVersion && d.mask != 0 {
		d.version = d.version&^d.mask | uint32(d.extranonce2<<13)&d.mask
	}
	header := bitcoin.Header{Version: d.version, Previous: d.job.Previous,
		MerkleRoot: bitcoin.RootOf(bitcoin.HashOf(filled), d.job.Branch), Time: d.job.Time, Bits: d.job.Bits}
	raw := header.Encode()
	target := [32]byte(d.jobTarget)
	d.work, d.position = sha256d.NewWork(&raw, &target), 0
}

// submission is the line for a nonce.
func (d *device) submission(nonce uint32) (line []byte, hash bitcoin.Hash) {
	hash = bitcoin.Hash(d.work.Hash(nonce))
	d.ids++
	d.pending[d.ids] = hash
	d.turn++
	text := fmt.Sprintf("%08x", nonce)
	if d.Unpadded {
		if text = strings.TrimLeft(text, "0"); text == "" {
			text = "0"
		}
	}
	var extranonce2 [8]byte
	binary.BigEndian.PutUint64(extranonce2[:], d.extranonce2)
	line = fmt.Appendf(nil, `{"id":%d,"method":"mining.submit","params":["%s","%s","%s","%08x","%s"`,
		d.ids, d.names[d.turn%len(d.names)], d.job.JobID, hex.EncodeToString(extranonce2[:]), d.job.Time, text)
	if d.RollVersion && d.mask != 0 {
		line = fmt.Appendf(line, `,"%08x"`, d.version&d.mask)
	}
	return append(line, `]}`...), hash
}
