package datadir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// LogsAt gives a node that serves its logger: of the flag's level if it was given, else of log_level in config.toml.
func (c *Config) LogsAt(command *cobra.Command, w io.Writer) (err error) {
	if c.Logger, c.Levels, err = cli.NewLevelLogger(command, w); err != nil || c.LogLevel == "" ||
		command.Flags().Changed("log-level") {
		return err
	}
	level, err := c.Level()
	c.Levels.Set(level)
	return err
}

// Level is log_level; info when it is not set.
func (c Config) Level() (level slog.Level, err error) {
	if c.LogLevel != "" && level.UnmarshalText([]byte(c.LogLevel)) != nil {
		return level, token.Errorf(BadConfig, "log_level", "%q, want debug, info, warn or error", c.LogLevel)
	}
	return level, nil
}

// LoggerOrDefault is where a node that serves logs.
func (c Config) LoggerOrDefault() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.NewTextHandler(os.Stderr, cli.LogOptions(slog.LevelInfo)))
	}
	return c.Logger
}

// Members is what a configuration says of a ledger's followers.
func (c Config) Members() api.Members {
	return api.Members{Followers: c.Followers, Acks: c.Acks, URLs: maps.Clone(c.FollowerURLs)}
}

// ConfigFile is the configuration in a data directory.
const ConfigFile = "config.toml"

// Config is config.toml. Every key has a default.
type Config struct {
	Name        string       `toml:"name"`        // of the network, and the origin of its log
	Listen      string       `toml:"listen"`      // address of the API
	Development bool         `toml:"development"` // keys without a passphrase, open to read on loopback
	Access      []api.Access `toml:"access"`      // who may read, when not open
	// public keys of followers whose cosignatures count, as "aqsha follow" prints them
	Followers []string `toml:"followers,omitempty"`
	Acks      int      `toml:"acks,omitempty"`   // how many of them must have a payment before it is answered
	Leader    string   `toml:"leader,omitempty"` // URL of the node whose log is copied here: a follower
	Peers     []string `toml:"peers,omitempty"`  // URLs of nodes that are asked who leads
	// at which others reach this node, where "listen" does not say it
	URL string `toml:"url,omitempty"`
	// At which followers can be asked, by name, as they say themselves: kept for a promotion.
	FollowerURLs map[string]string `toml:"follower_urls,omitempty"`
	// how long keys live: this node's own, and the sets on the ledger; 0 is 730
	KeyDays int `toml:"key_days,omitempty"`
	// where wallets dial this node (https://tenge.example.kz), besides the loopback address it listens on
	Origins []string `toml:"origins,omitempty"`
	// how TLS is spoken: self, files, acme, proxy=ADDRESS; empty listens on loopback only
	TLS      string   `toml:"tls,omitempty"`
	TLSCert  string   `toml:"tls_cert,omitempty"` // of files: certificate chain and key, in PEM
	TLSKey   string   `toml:"tls_key,omitempty"`
	TLSNames []string `toml:"tls_names,omitempty"` // of acme: this host's
	// of acme: where the authority's directory is (RFC 8555, section 7.1.1); empty is Let's Encrypt
	ACMEDirectory string `toml:"acme_directory,omitempty"`
	// directory to which a leader copies sealed segments of the log
	Archive    string       `toml:"archive,omitempty"`
	SegmentMiB int          `toml:"segment_mib,omitzero"` // how large segments of the log are; 0 is 64
	Logger     *slog.Logger `toml:"-"`                    // of a node that serves; nil logs to stderr
	// what is logged, unless --log-level says it: debug, info, warn or error
	LogLevel string `toml:"log_level,omitempty"`
	// whose ledger this is: "aqsha restore" brings no other back
	Network string `toml:"network,omitempty"`
	Market  string `toml:"-"` // folder of market data, from the command line
	// folders of cash offices' public logs, from the command line
	CashLogs []string `toml:"-"`
	// the story's people, whom a browser may be; nil but for the story's own network
	Demo     *api.Demo `toml:"-"`
	Reverify bool      `toml:"-"` // every signature again at the start, likewise
	// if set, the ledger is read over it, and nothing is written
	ReadOnly vfs.FS         `toml:"-"`
	Levels   *slog.LevelVar `toml:"-"` // of Logger, if it can be set
	// the node starts for the first time since it was promoted
	Promoted bool `toml:"-"`
	// with which the ledger is ordered; nil where this node orders alone
	Cluster *cluster.Engine `toml:"-"`

	// How far clocks may be apart before blocks are not dated by this one, or not taken from another; 0 is 10.
	ClockSeconds int `toml:"clock_seconds,omitempty"`
	// this machine's clock is right however long ago the last block was, from the command line
	AcceptTime bool `toml:"-"`
}

const DefaultListen = "127.0.0.1:8420"

// ErrNoNetwork is of a directory without a ledger where no node was named.
var ErrNoNetwork = errors.New("no network")

// ReadConfig reads a data directory's configuration and checks it. Unknown keys are refused: a misspelt one would
// leave its default in force without a word. It takes no lock; a file is replaced whole. Without one the error is
// ErrNoNetwork.
func ReadConfig(dir string) (Config, error) {
	c := Config{Listen: DefaultListen}
	// A pipe in its place would be waited for, by a running node too.
	if info, err := os.Stat(filepath.Join(dir, ConfigFile)); err == nil && !info.Mode().IsRegular() {
		return c, cli.Usage(fmt.Errorf("%s: not a file", filepath.Join(dir, ConfigFile)))
	}
	meta, err := toml.DecodeFile(filepath.Join(dir, ConfigFile), &c)
	if errors.Is(err, os.ErrNotExist) {
		return c, cli.Usage(fmt.Errorf("%w in %s: make one with \"aqsha init --data %s\", or name a node "+
			"with --node URL", ErrNoNetwork, dir, dir))
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(dir, ConfigFile), undecoded(filepath.Join(dir, ConfigFile), err))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return c, cli.Usage(fmt.Errorf("%s: %w", filepath.Join(dir, ConfigFile), unknownKey(unknown[0])))
	}
	if c.Development, err = c.isDevelopment(dir); err != nil {
		return c, err
	}
	if c.ClockSeconds < 0 || c.ClockSeconds > maxClockSeconds {
		return c, cli.Usage(fmt.Errorf("%s: clock_seconds: %d, want 0 (which is %d) to %d",
			filepath.Join(dir, ConfigFile), c.ClockSeconds, int(node.DefaultClockBound.Seconds()), maxClockSeconds))
	}
	if _, err := c.Level(); err != nil {
		return c, cli.Usage(fmt.Errorf("%s: %w", filepath.Join(dir, ConfigFile), err))
	}
	if err := c.CheckNodes(); err != nil {
		return c, cli.Usage(fmt.Errorf("%s: %w", filepath.Join(dir, ConfigFile), err))
	}
	return c, api.CheckAccess(c.Access)
}

// maxClockSeconds bounds clock_seconds: clocks that are further apart than an hour are not set at all.
const maxClockSeconds = 3600

// WriteConfig replaces a data directory's configuration.
func WriteConfig(dir string, c Config) error {
	content, err := EncodeConfig(c)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(dir, ConfigFile), content)
}

// ChangeConfig changes a data directory's configuration, whether or not a node runs on it. Whoever else changes it
// waits and finds this change: a node keeps who follows it, and an access that is revoked meanwhile stays revoked. When
// change fails, or changes nothing, nothing is written.
func ChangeConfig(dir string, change func(c *Config) error) error {
	if _, err := ReadConfig(dir); err != nil {
		return err // no lock is made in a directory that holds no ledger
	}
	// Waited for, as for every file that is changed: another has it for the time of two syncs. Not the file's own lock,
	// which its writer takes.
	lock, err := durable.Lock(vfs.OS, filepath.Join(dir, ConfigFile+".lock"))
	if err != nil {
		return ReadOnlyDirectory(dir, err)
	}
	return errors.Join(changeConfig(dir, change), lock.Close())
}

// changeConfig reads, changes and replaces the file; comments that a person wrote into it are lost. The caller holds
// the directory or the lock of what it changes, or another's change between the two would be lost. What changes
// nothing writes nothing.
func changeConfig(dir string, change func(c *Config) error) error {
	c, err := ReadConfig(dir)
	if err != nil {
		return err
	}
	before, err := EncodeConfig(c)
	if err != nil {
		return err
	}
	if err := change(&c); err != nil {
		return err
	}
	after, err := EncodeConfig(c)
	if err != nil || bytes.Equal(before, after) {
		return err
	}
	return ReadOnlyDirectory(dir, durable.Replace(vfs.OS, filepath.Join(dir, ConfigFile), after))
}

// EncodeConfig writes a configuration as TOML.
func EncodeConfig(c Config) ([]byte, error) {
	var content bytes.Buffer
	err := toml.NewEncoder(&content).Encode(c)
	return content.Bytes(), err
}
