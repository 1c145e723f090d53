package records

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// Config is farm.toml.
type Config struct {
	Name      string        `toml:"name"`
	Language  string        `toml:"language,omitempty"` // of routes that name none: en, kk, ru; "": en
	Zone      string        `toml:"zone"`               // offset of the local day from UTC: "+05:00"
	Interval  time.Duration `toml:"interval"`           // between polls of a machine
	Timeout   time.Duration `toml:"timeout"`            // of one poll
	Pools     []string      `toml:"pools"`              // allowed, see fleet.PoolIsAllowed; none: any
	Webhooks  []string      `toml:"webhooks"`           // get alerts as JSON
	TariffKZT string        `toml:"tariff_kzt"`
	LevyKZT   string        `toml:"levy_kzt"` // on each kWh, on top of the tariff
	StepKW    int64         `toml:"step_kw"`  // how far control may move a site's load in a minute

	// FourEyes is how many machines one person may order at once; above, another of People confirms. 0: any number.
	FourEyes int      `toml:"four_eyes"`
	People   []Person `toml:"people,omitempty"`

	Routes []notify.Route `toml:"routes,omitempty"` // whom alerts are brought to
	Joined []JoinedFarm   `toml:"joined,omitempty"` // farms that are watched elsewhere and read from here

	zone *time.Location
}

// Person is somebody who orders and confirms.
type Person struct {
	Name         string `toml:"name"`
	SecretSHA256 string `toml:"secret_sha256"` // of a secret of 128 bits or more, hexadecimal
}

// JoinedFarm is a farm that is watched elsewhere, and where its watch answers ('aqsha farm watch --http').
type JoinedFarm struct {
	Name      string `toml:"name"`
	URL       string `toml:"url"`
	TokenFile string `toml:"token_file"` // an access token of that farm
	CAFile    string `toml:"ca_file"`    // PEM of who signed its certificate; "": the system's authorities
}

// maxJoined farms are read from one.
const maxJoined = 100

func (c *Config) checkJoined() error {
	names := map[string]bool{}
	for _, j := range c.Joined {
		u, err := url.Parse(j.URL)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" ||
			(u.Scheme != "https" && u.Scheme != "http") {
			return farm.Refuse("bad-setting", "joined", "%q is no URL of a farm such as https://10.8.0.2:9443", j.URL)
		}
		// A token in clear is everybody's on the way.
		if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil ||
			!ip.IsLoopback()) {
			return farm.Refuse("bad-setting", "joined", "%q: beyond this machine want https", j.URL)
		}
		if j.Name == "" || len(j.Name) > 64 || names[j.Name] || j.TokenFile == "" {
			return farm.Refuse("bad-setting", "joined", "want names that differ, each with token_file, got %q", j.Name)
		}
		names[j.Name] = true
	}
	if len(c.Joined) > maxJoined {
		return farm.Refuse("bad-setting", "joined", "want at most %d farms", maxJoined)
	}
	return nil
}

// NeedsSecond says whether an order of so many machines wants a second person.
func (c *Config) NeedsSecond(machines int) bool { return c.FourEyes > 0 && machines > c.FourEyes }

// CheckPool refuses a pool that the farm does not allow: the watch would take machines that were sent there for stolen.
func (c *Config) CheckPool(url, user string) error {
	if fleet.PoolIsAllowed(url, user, c.Pools) {
		return nil
	}
	return farm.Refuse("bad-pool", "pool", "%q as %q is none of the pools that farm.toml allows: %q", url, user,
		c.Pools)
}

// checkPeople refuses settings with which nobody could confirm.
func (c *Config) checkPeople() error {
	names := map[string]bool{}
	for _, p := range c.People {
		if p.Name == "" || len(p.Name) > 64 || names[p.Name] || len(p.SecretSHA256) != 64 ||
			strings.Trim(p.SecretSHA256, "0123456789abcdef") != "" {
			return farm.Refuse("bad-setting", "people",
				"want names that differ, each with secret_sha256 of 64 small hexadecimal digits, got %q", p.Name)
		}
		names[p.Name] = true
	}
	if c.FourEyes < 0 || (c.FourEyes > 0 && len(c.People) < 2) {
		return farm.Refuse("bad-setting", "four_eyes", "want 0, or a number of machines and at least two people")
	}
	return nil
}

// Defaults of every setting.
func Defaults() Config {
	return Config{Name: "farm", Language: "en", Zone: "+05:00", Interval: 30 * time.Second, Timeout: 5 * time.Second,
		TariffKZT: "20", LevyKZT: "2", StepKW: 500}
}

// ReadConfig reads a folder's settings; what is not there has its default.
func ReadConfig(dir string) (Config, error) {
	c := Defaults()
	path := filepath.Join(dir, "farm.toml")
	meta, err := toml.DecodeFile(path, &c)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return c, farm.Refuse("unknown-setting", unknown[0].String(), "%s has no such setting", path)
	}
	return c, c.check()
}

func (c *Config) check() error {
	at, err := time.Parse("-07:00", c.Zone)
	if err != nil {
		return farm.Refuse("bad-setting", "zone", "%q: want an offset such as +05:00", c.Zone)
	}
	_, seconds := at.Zone()
	// Prices and sums are of whole hours: a day that began in the midst of one could not be summed up.
	if seconds%3600 != 0 {
		return farm.Refuse("bad-setting", "zone", "%q: want whole hours", c.Zone)
	}
	c.zone = time.FixedZone(c.Zone, seconds)
	if c.Interval < time.Second || c.Interval > 5*time.Minute || c.Timeout <= 0 || c.Timeout >= c.Interval {
		return farm.Refuse("bad-setting", "interval", "want 1 s to 5 min, and a timeout below it, got %v and %v",
			c.Interval, c.Timeout)
	}
	if _, err := c.PricePerKWh(); err != nil {
		return err
	}
	for _, hook := range c.Webhooks {
		if u, err := url.Parse(hook); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return farm.Refuse("bad-setting", "webhooks", "%q is not an http URL", hook)
		}
	}
	if c.StepKW < 1 {
		return farm.Refuse("bad-setting", "step_kw", "want at least 1, got %d", c.StepKW)
	}
	if err := c.checkPeople(); err != nil {
		return err
	}
	if err := c.checkJoined(); err != nil {
		return err
	}
	if _, known := words.Parse(c.Language); c.Language != "" && !known {
		return farm.Refuse("bad-setting", "language", "%q is not one of en, kk, ru", c.Language)
	}
	for i := range c.Routes {
		c.Routes[i].Language = cmp.Or(c.Routes[i].Language, c.Language)
	}
	return notify.CheckRoutes(c.Routes)
}

// PricePerKWh is tariff and levy together.
func (c *Config) PricePerKWh() (money.Tiyn, error) {
	tariff, err := money.ParseTenge(c.TariffKZT)
	if err != nil || tariff < 0 {
		return 0, farm.Refuse("bad-setting", "tariff_kzt", "%q: want tenge a kWh", c.TariffKZT)
	}
	levy, err := money.ParseTenge(c.LevyKZT)
	if err != nil || levy < 0 {
		return 0, farm.Refuse("bad-setting", "levy_kzt", "%q: want tenge a kWh", c.LevyKZT)
	}
	return money.Add(tariff, levy)
}

// Location is the farm's zone.
func (c *Config) Location() *time.Location { return c.zone }

// Write stores the settings in a folder that has none.
func (c *Config) Write(dir string) error {
	if err := c.check(); err != nil {
		return err
	}
	var content bytes.Buffer
	if err := toml.NewEncoder(&content).Encode(c); err != nil {
		return err
	}
	return durable.Create(vfs.OS, filepath.Join(dir, "farm.toml"), content.Bytes())
}
