package cluster

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmttypes "github.com/cometbft/cometbft/types"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// A participant's directory is a ledger's, and beside it what makes it a cluster's:
//
//	cluster/genesis.json     who began the cluster: the same at all
//	cluster/cluster.toml     this one's name, where it listens, and the others
//	cluster/first_entry      of the log: with the genesis, the settings and keys enough to come back
//	cluster/positions        which of the cluster's blocks the log has come to
//	cluster/data/            CometBFT's blocks, votes and write-ahead log
const (
	homeDir       = "cluster"
	genesisFile   = "genesis.json"
	settingsFile  = "cluster.toml"
	firstFile     = "first_entry"
	positionsFile = "positions"
	dataDir       = "data"
	signedFile    = "priv_validator_state.json"
)

// Here says whether a directory is a participant's of a cluster.
func Here(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, homeDir, genesisFile))
	return err == nil
}

// Keys are a participant's. They are kept apart from each other: the first votes, the second signs checkpoints, the
// third says to peers who they speak with.
type Keys struct {
	Consensus, Checkpoint, Peer ed25519.PrivateKey
}

// NewKeys makes a participant's keys.
func NewKeys() (k Keys, err error) {
	for _, key := range []*ed25519.PrivateKey{&k.Consensus, &k.Checkpoint, &k.Peer} {
		if _, *key, err = ed25519.GenerateKey(rand.Reader); err != nil {
			return k, err
		}
	}
	return k, nil
}

// keysTitle begins the text form of keys.
const keysTitle = "AQSHA-VALIDATOR-1"

// Text is the keys in one line, a secret.
func (k Keys) Text() string {
	words := []string{keysTitle}
	for _, key := range []ed25519.PrivateKey{k.Consensus, k.Checkpoint, k.Peer} {
		words = append(words, base64.StdEncoding.EncodeToString(key.Seed()))
	}
	return strings.Join(words, " ")
}

// ParseKeys reads what Text wrote.
func ParseKeys(text string) (k Keys, err error) {
	words := strings.Fields(text)
	if len(words) != 4 || words[0] != keysTitle {
		return k, errors.New("these are no validator's keys")
	}
	for i, key := range []*ed25519.PrivateKey{&k.Consensus, &k.Checkpoint, &k.Peer} {
		seed, err := base64.StdEncoding.DecodeString(words[i+1])
		if err != nil || len(seed) != ed25519.SeedSize {
			return k, errors.New("these are no validator's keys")
		}
		*key = ed25519.NewKeyFromSeed(seed)
	}
	return k, nil
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// Member is the participant with these keys, as others know it.
func (k Keys) Member(name string) Member {
	return Member{Name: name, Consensus: public(k.Consensus), Checkpoint: public(k.Checkpoint), Peer: k.PeerID()}
}

// PeerID is by which peers know each other.
func (k Keys) PeerID() string { return string(p2p.PubKeyToID(cmted25519.PubKey(public(k.Peer)))) }

// Sealer signs a participant's snapshots, and the verifier believes them: with the key of its checkpoints.
func (k Keys) Sealer(name string) (note.Signer, note.Verifier, error) {
	text, err := note.NewEd25519VerifierKey(name, public(k.Checkpoint))
	if err != nil {
		return nil, nil, err
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return nil, nil, err
	}
	signer, err := note.NewSigner(k.LogSecret(name))
	return signer, verifier, err
}

// algEd25519 begins a key's bytes in signed notes.
const algEd25519 = "\x01"

// LogSecret is the key of a participant's checkpoints as the secret of a signed note's key of a name
// (golang.org/x/mod/sumdb/note): a list of validators with one in it signs with that, under the network's name.
func (k Keys) LogSecret(name string) string {
	key := append([]byte(algEd25519), public(k.Checkpoint)...)
	hash := sha256.Sum256(append([]byte(name+"\n"), key...))
	secret := append([]byte(algEd25519), k.Checkpoint.Seed()...)
	return fmt.Sprintf("PRIVATE+KEY+%s+%x+%s", name, hash[:4], base64.StdEncoding.EncodeToString(secret))
}

// Settings are a participant's own, in cluster.toml.
type Settings struct {
	Name   string   `toml:"name"`   // which of the validators this is
	Listen string   `toml:"listen"` // address for the other validators
	Peers  []string `toml:"peers"`  // ID@HOST:PORT of the others
	// KeepBlocks is how many of the cluster's blocks are kept for those who have been away; the log has the
	// transactions.
	KeepBlocks uint64 `toml:"keep_blocks"`
	// ProposeMillis is how long the others wait for a block of whose turn it is.
	ProposeMillis int `toml:"propose_millis"`
}

// Defaults of settings.
const (
	keepBlocks    = 200_000
	leastKept     = 1_000
	proposeMillis = 2_000
	maxPeers      = 64
)

// complete fills in what is left out.
func (s *Settings) complete() {
	if s.KeepBlocks == 0 {
		s.KeepBlocks = keepBlocks
	}
	if s.ProposeMillis == 0 {
		s.ProposeMillis = proposeMillis
	}
}

// SettingError is a key of cluster.toml that is not as it must be.
type SettingError struct{ Key, Rule string }

func (e *SettingError) Error() string      { return settingsFile + ": " + e.Key + ": " + e.Rule }
func (e *SettingError) ErrorCode() string  { return "bad-configuration" }
func (e *SettingError) ErrorField() string { return e.Key }

// Check says what is wrong with settings.
func (s Settings) Check() error {
	if s.Name == "" {
		return &SettingError{"name", "which of the validators this is must be said"}
	}
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		return &SettingError{"listen", fmt.Sprintf("%q is no HOST:PORT", s.Listen)}
	}
	if len(s.Peers) > maxPeers {
		return &SettingError{"peers", fmt.Sprintf("%d, at most %d", len(s.Peers), maxPeers)}
	}
	for _, peer := range s.Peers {
		id, at, found := strings.Cut(peer, "@")
		_, port, err := net.SplitHostPort(at)
		_, noNumber := strconv.ParseUint(port, 10, 16)
		if !found || len(id) != peerIDLength || err != nil || noNumber != nil {
			return &SettingError{"peers", fmt.Sprintf("%q is no ID@HOST:PORT", peer)}
		}
	}
	switch {
	case s.KeepBlocks != 0 && s.KeepBlocks < leastKept:
		return &SettingError{"keep_blocks", fmt.Sprintf("%d, want at least %d, or 0 for %d", s.KeepBlocks, leastKept,
			keepBlocks)}
	case s.ProposeMillis < 0 || s.ProposeMillis > 60_000:
		return &SettingError{"propose_millis", fmt.Sprintf("%d, want 1 to 60000, or 0 for %d", s.ProposeMillis,
			proposeMillis)}
	}
	return nil
}

// ReadSettings reads a participant's cluster.toml.
func ReadSettings(dir string) (s Settings, err error) {
	path := filepath.Join(dir, homeDir, settingsFile)
	meta, err := toml.DecodeFile(path, &s)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return s, &SettingError{unknown[0].String(), "no such key"}
	}
	if err := s.Check(); err != nil {
		return s, err
	}
	s.complete()
	return s, nil
}

// chainID is CometBFT's name for a network: votes are signed with it.
func chainID(c Charter) string { return "aqsha-" + c.Network.String()[:32] }

// Init writes what makes a participant's directory, which has the network's log already, a cluster's. The genesis comes
// last.
func Init(dir string, g ledger.Genesis, c Charter, s Settings) error {
	if err := errors.Join(c.Check(), s.Check()); err != nil {
		return err
	}
	home := filepath.Join(dir, homeDir)
	if err := vfs.OS.MkdirAll(filepath.Join(home, dataDir)); err != nil {
		return err
	}
	doc, err := genesisOf(g, c)
	if err != nil {
		return err
	}
	var settings bytes.Buffer
	if err := toml.NewEncoder(&settings).Encode(s); err != nil {
		return err
	}
	if err := durable.Create(vfs.OS, filepath.Join(home, settingsFile), settings.Bytes()); err != nil {
		return err
	}
	if err := durable.Create(vfs.OS, filepath.Join(home, firstFile), g.Leaf().Encode()); err != nil {
		return err
	}
	// Without this file nobody knows what the key has signed: it is made once, and missed at a start.
	if err := durable.Create(vfs.OS, filepath.Join(home, dataDir, signedFile), []byte(unsigned)); err != nil {
		return err
	}
	return durable.Create(vfs.OS, filepath.Join(home, genesisFile), doc)
}

// power is every validator's: one has no more say than another.
const power = 10

// Bounds of CometBFT's blocks. Evidence of signing twice is taken for two days.
const (
	maxBlockBytes  = 8 << 20
	evidenceFor    = 48 * time.Hour
	evidenceBlocks = 200_000
)

// genesisOf is CometBFT's genesis for a charter.
func genesisOf(g ledger.Genesis, c Charter) ([]byte, error) {
	state, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	p := cmttypes.DefaultConsensusParams()
	p.Block.MaxBytes, p.Block.MaxGas = maxBlockBytes, -1
	p.Evidence.MaxAgeDuration, p.Evidence.MaxAgeNumBlocks = evidenceFor, evidenceBlocks
	p.ABCI.VoteExtensionsEnableHeight = 1
	p.Version.App = appVersion
	doc := cmttypes.GenesisDoc{GenesisTime: time.UnixMilli(int64(g.TimeMillis)).UTC(), ChainID: chainID(c),
		InitialHeight: 1, ConsensusParams: p, AppState: state}
	for _, m := range c.Members {
		key := cmted25519.PubKey(m.Consensus)
		doc.Validators = append(doc.Validators, cmttypes.GenesisValidator{Address: key.Address(), PubKey: key,
			Power: power, Name: m.Name})
	}
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, err
	}
	return cmtjson.MarshalIndent(doc, "", "  ")
}

// keepFirst keeps a log's first entry in a directory that was made before there was such a file: without it the
// directory could not come back from a backup of its keys.
func keepFirst(dir string, first []byte) error {
	path := filepath.Join(dir, homeDir, firstFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.Create(vfs.OS, path, first)
}

// readGenesis reads a directory's genesis and its charter.
func readGenesis(dir string) (*cmttypes.GenesisDoc, Charter, error) {
	path := filepath.Join(dir, homeDir, genesisFile)
	doc, err := cmttypes.GenesisDocFromFile(path)
	if err != nil {
		return nil, Charter{}, fmt.Errorf("%s: %w", path, err)
	}
	c, err := decodeCharter(doc.AppState)
	if err != nil {
		return nil, c, fmt.Errorf("%s: %w", path, err)
	}
	if doc.ChainID != chainID(c) || len(doc.Validators) != len(c.Members) {
		return nil, c, fmt.Errorf("%s: its validators are not those of its charter", path)
	}
	for i, v := range doc.Validators {
		if !bytes.Equal(v.PubKey.Bytes(), c.Members[i].Consensus) {
			return nil, c, fmt.Errorf("%s: its validators are not those of its charter", path)
		}
	}
	return doc, c, nil
}

// ReadFirst reads who began a cluster, and the first entry of its log, from a participant's directory.
func ReadFirst(dir string) (c Charter, first []byte, err error) {
	if c, err = ReadCharter(dir); err != nil {
		return c, nil, err
	}
	first, err = durable.Read(vfs.OS, filepath.Join(dir, homeDir, firstFile), txlog.MaxEntryBytes)
	return c, first, err
}

// ReadCharter reads who orders together in a directory.
func ReadCharter(dir string) (Charter, error) {
	_, c, err := readGenesis(dir)
	return c, err
}

// signedPath is where it stands what a key has signed: for the key with which a directory was made, and for one that
// came later, under its address.
func signedPath(dir string, key ed25519.PrivateKey) string {
	data := filepath.Join(dir, homeDir, dataDir)
	own := filepath.Join(data, fmt.Sprintf("signed-%x.json", Member{Consensus: public(key)}.address()))
	if _, err := os.Stat(own); err == nil {
		return own
	}
	return filepath.Join(data, signedFile)
}

// unsigned is the file of a key that has signed nothing.
const unsigned = "{\"height\":\"0\",\"round\":0,\"step\":0}\n"

// Rekey makes a directory ready for keys that were made for it and have signed nothing yet. The keys before stay what
// they are in it.
func Rekey(dir string, keys Keys) error {
	name := fmt.Sprintf("signed-%x.json", keys.Member("").address())
	return durable.Create(vfs.OS, filepath.Join(dir, homeDir, dataDir, name), []byte(unsigned))
}

// openValidator opens what signs votes. What it has signed last is in a file: without that, it might sign twice.
//
// It is missing where nobody else knows how far the cluster is: with others, Start finds out (see catchUp).
func openValidator(dir string, key ed25519.PrivateKey) (*privval.FilePV, error) {
	path := signedPath(dir, key)
	v := privval.NewFilePV(cmted25519.PrivKey(key), "", path)
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is not there: it says what this validator has signed, and one that does not know "+
			"may sign twice; bring the directory back whole, or join anew with another key", path)
	case err != nil:
		return nil, err
	}
	if err := cmtjson.Unmarshal(content, &v.LastSignState); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}
