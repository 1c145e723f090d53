package notify

import (
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
)

// Form is how a route's messages are sent.
type Form string

// The forms.
const (
	Mail     Form = "mail"
	Telegram Form = "telegram" // Bot API's sendMessage
	Slack    Form = "slack"    // incoming webhook
	Webhook  Form = "webhook"  // JSON of Message, signed
)

// Route is who is told of what, how and when: a [[routes]] of farm.toml.
type Route struct {
	Name     string   `toml:"name"`
	Form     Form     `toml:"form"`
	Language string   `toml:"language,omitempty"` // en, ru, kk; "" en
	Severity Severity `toml:"severity,omitempty"` // at least; "" all
	Kinds    []string `toml:"kinds,omitempty"`    // none: all
	Places   []string `toml:"places,omitempty"`   // beginnings of places, or identities; none: all
	// Quiet is a span of the farm's day in which nothing is sent, such as "22:00-07:00". What was held back is told
	// after it.
	Quiet string `toml:"quiet,omitempty"`
	// After is how long an alert must stand unacknowledged before this route is told of it. 0: at once.
	After  time.Duration `toml:"after,omitempty"`
	Gather time.Duration `toml:"gather,omitempty"` // what changes within it is one message; 0: a minute

	URL     string `toml:"url,omitempty"`      // of a webhook; of Telegram's API, where it is another's
	URLFile string `toml:"url_file,omitempty"` // holds the URL, where that is the secret, as Slack's is
	Chat    string `toml:"chat,omitempty"`     // Telegram's chat
	// SecretFile holds the password of mail, Telegram's token, or the key that signs a webhook.
	SecretFile string `toml:"secret_file,omitempty"`

	Server string   `toml:"server,omitempty"` // of mail: host:port
	TLS    string   `toml:"tls,omitempty"`    // starttls (default), implicit, or none: to this machine only
	CAFile string   `toml:"ca_file,omitempty"`
	User   string   `toml:"user,omitempty"`
	From   string   `toml:"from,omitempty"`
	To     []string `toml:"to,omitempty"`

	quietFrom, quietTo time.Duration // since midnight
}

const (
	// MaxRoutes bounds a farm's routes, maxReceivers a route's lists.
	MaxRoutes     = 20
	maxReceivers  = 50
	defaultGather = time.Minute
	telegramAPI   = "https://api.telegram.org"
	// SMTP's ways of encryption.
	startTLS, implicitTLS, noTLS = "starttls", "implicit", "none"
)

var routeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// CheckRoutes checks routes and fills in what they leave out.
func CheckRoutes(routes []Route) error {
	if len(routes) > MaxRoutes {
		return farm.Refuse("bad-setting", "routes", "%d routes, at most %d are taken", len(routes), MaxRoutes)
	}
	names := map[string]bool{}
	for i := range routes {
		r := &routes[i]
		if !routeName.MatchString(r.Name) || names[r.Name] {
			return farm.Refuse("bad-setting", "routes.name",
				"%q: want a name of its own, of small letters, digits and hyphens", r.Name)
		}
		names[r.Name] = true
		if err := r.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Route) refuse(key, format string, args ...any) error {
	return farm.Refuse("bad-setting", "routes."+key, "route "+r.Name+": "+format, args...)
}

// check refuses a route that could not be used, and fills in what it leaves out.
func (r *Route) check() error {
	if r.Language == "" {
		r.Language = faults.Languages[0]
	}
	if !slices.Contains(faults.Languages, r.Language) {
		return r.refuse("language", "%q is not one of %s", r.Language, strings.Join(faults.Languages, ", "))
	}
	if r.Severity != "" && !slices.Contains(severities, r.Severity) {
		return r.refuse("severity", "%q is not one of notice, warning, critical", r.Severity)
	}
	for _, k := range r.Kinds {
		if !slices.Contains(alert.Kinds, alert.Kind(k)) {
			return r.refuse("kinds", "%q is no kind of alert", k)
		}
	}
	if len(r.Places) > maxReceivers || slices.Contains(r.Places, "") {
		return r.refuse("places", "want at most %d places, none of them empty", maxReceivers)
	}
	if err := r.checkQuiet(); err != nil {
		return err
	}
	if r.After < 0 || r.After > 7*24*time.Hour {
		return r.refuse("after", "want up to a week, got %v", r.After)
	}
	if r.Gather == 0 {
		r.Gather = defaultGather
	}
	if r.Gather < time.Second || r.Gather > time.Hour {
		return r.refuse("gather", "want 1 s to 1 h, got %v", r.Gather)
	}
	switch r.Form {
	case Mail:
		return r.checkMail()
	case Telegram:
		if r.URL == "" {
			r.URL = telegramAPI
		}
		if r.Chat == "" || len(r.Chat) > 100 || r.SecretFile == "" {
			return r.refuse("chat", "telegram wants a chat, and secret_file with the bot's token")
		}
		return r.checkURL()
	case Slack, Webhook:
		if (r.URL == "") == (r.URLFile == "") {
			return r.refuse("url", "want url or url_file")
		}
		// Whoever knows the address could else report alerts of this farm.
		if r.Form == Webhook && r.SecretFile == "" {
			return r.refuse("secret_file", "a webhook wants the key that signs it")
		}
		if r.URLFile != "" {
			return nil
		}
		return r.checkURL()
	}
	return r.refuse("form", "%q is not one of mail, telegram, slack, webhook", r.Form)
}

func (r *Route) checkURL() error { return r.fit(r.URL) }

// fit takes https; http to this machine, and for a signed webhook, which carries no secret, to any. The URL is not in
// the refusal: it may be the secret.
func (r *Route) fit(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return r.refuse("url", "want a URL of https, without a password before its host")
	}
	if u.Scheme == "http" && r.Form != Webhook && !ofThisMachine(u.Hostname()) {
		return r.refuse("url", "want https: only to this machine the secret goes in clear")
	}
	return nil
}

func ofThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// checkMail checks server and addresses; a password goes over an encrypted connection, or to this machine.
func (r *Route) checkMail() error {
	host, port, err := net.SplitHostPort(r.Server)
	if err != nil || host == "" || port == "" {
		return r.refuse("server", "%q: want host:port", r.Server)
	}
	if r.TLS == "" {
		r.TLS = startTLS
	}
	if !slices.Contains([]string{startTLS, implicitTLS, noTLS}, r.TLS) {
		return r.refuse("tls", "%q is not one of starttls, implicit, none", r.TLS)
	}
	if r.TLS == noTLS && !ofThisMachine(host) {
		return r.refuse("tls", "only to this machine mail goes in clear")
	}
	if (r.User == "") != (r.SecretFile == "") {
		return r.refuse("user", "want user and secret_file, or neither")
	}
	if len(r.To) == 0 || len(r.To) > maxReceivers {
		return r.refuse("to", "want 1 to %d addresses, got %d", maxReceivers, len(r.To))
	}
	for _, address := range append([]string{r.From}, r.To...) {
		if at, err := mail.ParseAddress(address); err != nil || strings.ContainsAny(at.Address, "\r\n<> ") {
			return r.refuse("to", "%q is no mail address", address)
		}
	}
	return nil
}

// checkQuiet reads the span in which less is told; it may go over midnight.
func (r *Route) checkQuiet() error {
	r.quietFrom, r.quietTo = 0, 0
	if r.Quiet == "" {
		return nil
	}
	from, to, ok := strings.Cut(r.Quiet, "-")
	begin, err1 := time.Parse("15:04", from)
	end, err2 := time.Parse("15:04", to)
	if !ok || err1 != nil || err2 != nil || begin.Equal(end) {
		return r.refuse("quiet", "%q: want a span such as 22:00-07:00", r.Quiet)
	}
	midnight := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	r.quietFrom, r.quietTo = begin.Sub(midnight), end.Sub(midnight)
	return nil
}

// QuietAt says whether an instant lies in the route's quiet hours, by the farm's clock.
func (r *Route) QuietAt(at time.Time, zone *time.Location) bool {
	hour, minute, second := at.In(zone).Clock()
	now := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	if r.quietFrom < r.quietTo {
		return now >= r.quietFrom && now < r.quietTo
	}
	return r.quietFrom > r.quietTo && (now >= r.quietFrom || now < r.quietTo) // over midnight
}

// wants says whether the route's filter lets a machine's alert through. What severity it has is known with its group.
func (r *Route) wants(kind alert.Kind, subject alert.Subject) bool {
	if len(r.Kinds) > 0 && !slices.Contains(r.Kinds, string(kind)) {
		return false
	}
	return len(r.Places) == 0 || slices.ContainsFunc(r.Places, func(place string) bool {
		return place == subject.ID || strings.HasPrefix(subject.Place+"/", strings.TrimSuffix(place, "/")+"/")
	})
}
