package configcmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
)

// setting is a key of a configuration file, as "aqsha config keys" and the sample say it.
type setting struct {
	Key     string `json:"key"`     // as in the file; of a table "table.key"
	Default string `json:"default"` // in TOML
	Example string `json:"example"` // in TOML: another value than the default
	About   string `json:"about"`
}

// ledgerSettings are the keys of config.toml, in the order of the sample. A test holds them against what is read.
var ledgerSettings = []setting{
	{"name", `""`, `"tenge.example.kz"`,
		"Name of the network, and origin of its log. Said once, by \"aqsha init\"; not to be changed."},
	{"network", `""`, `"8f41c60a2d7f…"`,
		"Id of the network (the hash of its genesis): \"aqsha restore\" brings no other back."},
	{"development", `false`, `true`,
		"Keys without a passphrase, and on loopback everything open to read. Never on a network with money."},
	{"listen", `"127.0.0.1:8420"`, `"10.0.0.5:8420"`, "Address of the API."},
	{"url", `""`, `"https://tenge.example.kz"`,
		"URL at which other nodes reach this one, where \"listen\" does not say it."},
	{"origins", `[]`, `["https://tenge.example.kz"]`,
		"Scheme, host and port at which wallets dial this node, besides the loopback address it listens on. A " +
			"wallet's sign-in for any other origin is refused."},
	{"tls", `""`, `"self"`,
		"How TLS is spoken: self (a certificate of \"aqsha tls init\"), files, acme (a public authority's, fetched), " +
			"or proxy=ADDRESS of a proxy that ends it. Without it the node listens on loopback only."},
	{"tls_cert", `""`, `"/etc/aqsha/chain.pem"`,
		"Of files: the certificate and its chain, in PEM. Read again when the file changes."},
	{"tls_key", `""`, `"/etc/aqsha/key.pem"`, "Of files: the certificate's key, in PEM."},
	{"tls_names", `[]`, `["tenge.example.kz"]`, "Of acme: the names of this host."},
	{"acme_directory", `""`, `"https://acme-staging-v02.api.letsencrypt.org/directory"`,
		"Of acme: directory of another authority than Let's Encrypt."},
	{"log_level", `""`, `"debug"`,
		"What is logged, unless --log-level says it: debug, info, warn or error. Taken in again by SIGHUP."},
	{"followers", `[]`, `["one+5a1c9e0b+AbCd…"]`,
		"Public keys of the followers that acknowledge payments, as \"aqsha follow\" prints them."},
	{"acks", `0`, `1`, "How many followers must have a payment before it is answered. 0: none, and the loss of this " +
		"machine loses payments."},
	{"follower_urls", `{}`, `{ one = "http://10.0.0.6:8430" }`,
		"Where followers can be asked, by name. They say it themselves; a promotion asks them there."},
	{"leader", `""`, `"http://10.0.0.5:8420"`,
		"URL of the leader whose log is copied here: it makes this directory a follower's."},
	{"peers", `[]`, `["http://10.0.0.6:8430"]`, "URLs of nodes that are asked who leads, before this one begins to."},
	{"key_days", `0`, `365`, "Days that keys live: this node's own, and the authority's sets. 0 is 730."},
	{"clock_seconds", `0`, `5`, "How far clocks may be apart before a block is not taken. 0 is 10."},
	{"archive", `""`, `"/srv/archive/tenge"`,
		"Directory to which a leader copies each segment of the log when it is full."},
	{"segment_mib", `0`, `256`, "Size of a segment of the log, in MiB. 0 is 64."},
	{"access.name", `""`, `"auditor-2026"`,
		"Whose access token this is. Made, listed and revoked with \"aqsha access\"; one [[access]] a token."},
	{"access.role", `""`, `"auditor"`, "authority and auditor read everything, intermediary its own wallets."},
	{"access.intermediary", `""`, `"0d9f…"`, "Of the role intermediary: its id."},
	{"access.token_sha256", `""`, `"9f86d081884c…"`,
		"SHA-256 of the token, in hexadecimal; the token itself is nowhere kept."},
	{"access.expires", `never`, `2027-01-01T00:00:00Z`, "When it ends by itself."},
}

// farmSettings are the keys of a farm's farm.toml.
var farmSettings = []setting{
	{"name", `"farm"`, `"ekibastuz-2"`, "Name of the farm on its pages and in its reports."},
	{"language", `"en"`, `"kk"`, "Of what is told by routes that name no language: en, ru or kk."},
	{"zone", `"+05:00"`, `"+06:00"`, "Offset of the farm's day from UTC, in whole hours."},
	{"interval", `"30s"`, `"60s"`, "Between two polls of a machine."},
	{"timeout", `"5s"`, `"10s"`, "Of one poll."},
	{"pools", `[]`, `["stratum+tcp://pool.example.kz:3333 bc1q…"]`,
		"Pools that machines may mine for: \"URL\" or \"URL USER\". Host and named port are compared whole, USER is " +
			"a beginning. None: any."},
	{"webhooks", `[]`, `["https://alerts.example.kz/aqsha"]`, "URLs that get each alert as JSON."},
	{"tariff_kzt", `"20"`, `"17.85"`, "Tenge a kilowatt-hour."},
	{"levy_kzt", `"2"`, `"0"`, "Digital mining levy, tenge a kilowatt-hour, on top of the tariff."},
	{"step_kw", `500`, `2000`, "How far orders may move a site's load in a minute, in kilowatts."},
	{"four_eyes", `0`, `50`,
		"How many machines one person may order at once; above, another of people confirms. 0: any number."},
	{"people.name", `""`, `"aigerim"`, "Of somebody who orders and confirms; one [[people]] a person."},
	{"people.secret_sha256", `""`, `"5f2c…"`,
		"SHA-256 of that person's secret, which has 128 random bits or more: openssl rand -hex 16."},
	{"joined.name", `""`, `"aktobe"`, "Of a farm that is watched elsewhere and read from here; one [[joined]] a farm."},
	{"joined.url", `""`, `"https://10.8.0.2:9105"`,
		"Where its 'aqsha farm watch --http' answers; beyond this machine https."},
	{"joined.token_file", `""`, `"/etc/aqsha/aktobe.token"`, "File with an access token of that farm."},
	{"joined.ca_file", `""`, `"/etc/aqsha/aktobe.pem"`,
		"PEM of who signed its certificate. Empty: the system's authorities."},
	{"routes.name", `""`, `"night"`,
		"Of a route by which alerts are brought to people; one [[routes]] a route. Small letters, digits, hyphens."},
	{"routes.form", `""`, `"telegram"`, "mail, telegram, slack, or webhook: JSON, signed."},
	{"routes.language", `""`, `"kk"`, "Of what is told: en, ru or kk. Empty: the farm's language."},
	{"routes.severity", `""`, `"critical"`, "Tell what is at least a notice, a warning, or critical."},
	{"routes.kinds", `[]`, `["hot", "fan"]`, "Tell these kinds of alert only."},
	{"routes.places", `[]`, `["ekibastuz/c1"]`, "Tell of machines below these places, or with these identities, only."},
	{"routes.quiet", `""`, `"22:00-07:00"`,
		"Hours of the farm's day in which nothing is sent; what happened is told after them."},
	{"routes.after", `"0s"`, `"15m"`, "Tell only of alerts that stand so long and nobody has acknowledged."},
	{"routes.gather", `"1m"`, `"2m"`, "What changes within this time is one message."},
	{"routes.url", `""`, `"https://chat.example.kz/hooks/farm"`,
		"Of a webhook, of slack's, or of another server with Telegram's interface."},
	{"routes.url_file", `""`, `"/etc/aqsha/slack-url"`, "File that holds the URL, where that is a secret."},
	{"routes.chat", `""`, `"-1001234567890"`, "Telegram's chat."},
	{"routes.secret_file", `""`, `"/etc/aqsha/telegram-token"`,
		"File with the password of mail, the token of Telegram's bot, or the key that signs a webhook."},
	{"routes.server", `""`, `"mail.example.kz:587"`, "Mail server, host:port."},
	{"routes.tls", `"starttls"`, `"implicit"`, "starttls, implicit, or none: to this machine only."},
	{"routes.ca_file", `""`, `"/etc/aqsha/mail-ca.pem"`, "Whose certificates the mail server's may be of."},
	{"routes.user", `""`, `"farm@example.kz"`, "Name at the mail server."},
	{"routes.from", `""`, `"Farm <farm@example.kz>"`, "Sender of mails."},
	{"routes.to", `[]`, `["aigerim@example.kz"]`, "Receivers of mails."},
}

// NewConfigCommand makes the command "config".
func NewConfigCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Explain, sample and check configuration files",
		Long: `A ledger's data directory has a config.toml, a farm's folder a farm.toml. Every key has a
default; an unknown key, and one that contradicts another, is refused by name at the start.`,
		Example: "  aqsha config keys\n  aqsha config check /var/lib/aqsha",
	}
	command.AddCommand(newConfigExampleCommand(), newConfigKeysCommand(), newConfigCheckCommand())
	return command
}

func addFarmFile(command *cobra.Command) {
	command.Flags().Bool("farm", false, "a farm's farm.toml instead of a ledger's config.toml")
}

// settingsOf are the keys of the file that --farm chooses, and its name.
func settingsOf(command *cobra.Command) (string, []setting) {
	if asked, _ := command.Flags().GetBool("farm"); asked {
		return "farm.toml", farmSettings
	}
	return datadir.ConfigFile, ledgerSettings
}

func newConfigExampleCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "sample",
		Short:   "Print a configuration in which every key is explained and commented out",
		Example: "  aqsha config sample > config.toml\n  aqsha config sample --farm",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			file, settings := settingsOf(command)
			_, err := io.WriteString(command.OutOrStdout(), exampleOf(file, settings))
			return err
		},
	}
	addFarmFile(command)
	return command
}

// exampleOf is a file of comments: each key with what it means, its default and an example.
func exampleOf(file string, settings []setting) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s of Aqsha. Each key stands with an example; without it the default holds.\n", file)
	table := ""
	for _, s := range settings {
		key := s.Key
		if in, of, nested := strings.Cut(s.Key, "."); nested {
			if in != table {
				table = in
				fmt.Fprintf(&b, "\n#[[%s]]\n", table)
			}
			key = of
		} else {
			b.WriteByte('\n')
		}
		for _, line := range wrap(s.About+" Default: "+s.Default+".", 100) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		fmt.Fprintf(&b, "#%s = %s\n", key, s.Example)
	}
	return b.String()
}

// wrap breaks a text at spaces into lines of at most so many characters, where words allow.
func wrap(text string, width int) []string {
	lines := []string{}
	for _, word := range strings.Fields(text) {
		if last := len(lines) - 1; last >= 0 && len([]rune(lines[last]))+1+len([]rune(word)) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

func newConfigKeysCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "keys",
		Short:   "List every key with its default and what it means",
		Example: "  aqsha config keys --json\n  aqsha config keys --farm",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			_, settings := settingsOf(command)
			return cli.Show(command, settings, func(w io.Writer) {
				for _, s := range settings {
					fmt.Fprintln(w, cli.LanguageFor(command).Text("config.key", "key", s.Key, "default", s.Default))
					for _, line := range wrap(s.About, 92) {
						fmt.Fprintf(w, "      %s\n", line)
					}
				}
			})
		},
	}
	addFarmFile(command)
	return command
}

// readFarm reads a farm's settings. A folder without farm.toml has the defaults; where there is no folder is no farm.
func readFarm(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a folder")
	}
	if err != nil {
		return cli.Usage(fmt.Errorf("no farm in %s: %w", dir, err))
	}
	_, err = records.ReadConfig(dir)
	return err
}

// newConfigCheckCommand makes "config check". It reads what a start reads and changes nothing; it exits as the start
// would have.
func newConfigCheckCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "check [DIR]",
		Short:   "Read a directory's configuration as a start would, and say what is wrong",
		Example: "  aqsha config check\n  aqsha config check /var/lib/aqsha\n  aqsha config check aqsha-farm --farm",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			file, _ := settingsOf(command)
			dir, read := "./aqsha-data", func(dir string) error {
				c, err := datadir.ReadConfig(dir)
				if err == nil {
					// Both at once: whoever mends one thing and starts finds the next only then. Nothing is changed,
					// and a node may run on it.
					err = errors.Join(c.TryArchive(dir), nodecmd.CheckServing(command.Context(), c, dir))
				}
				return err
			}
			if file != datadir.ConfigFile {
				dir, read = "aqsha-farm", readFarm
			}
			if len(args) == 1 {
				dir = args[0]
			}
			if err := read(dir); err != nil {
				return err
			}
			path := filepath.Join(dir, file)
			return cli.Show(command, map[string]string{"file": path, "verdict": "valid"},
				func(w io.Writer) {
					fmt.Fprintln(w, cli.LanguageFor(command).Text("config.usable", "file", path))
				})
		},
	}
	addFarmFile(command)
	return command
}
