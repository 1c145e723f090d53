package farms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Role says what the holder of an access token may do. Each may do what those before it may.
type Role string

// The roles, the least first.
const (
	Viewer     Role = "viewer"     // reads machines, polls, alerts, months
	Technician Role = "technician" // sees addresses, acknowledges alerts, keeps tickets, reads orders
	Operator   Role = "operator"   // writes orders down, confirms and withdraws them
	Owner      Role = "owner"      // gives and takes accesses
)

// Roles lists them in that order.
var Roles = []Role{Viewer, Technician, Operator, Owner}

// Reaches says whether a role may do what is for another.
func (r Role) Reaches(least Role) bool { return slices.Index(Roles, r) >= slices.Index(Roles, least) }

// Access is one access token to a farm. Only its hash is kept.
type Access struct {
	Name        string    `json:"name"`
	Role        Role      `json:"role"`
	Selector    string    `json:"selector"` // of the machines that it reaches: "*", a place, an identity
	TokenSHA256 string    `json:"token_sha256"`
	Expires     time.Time `json:"expires,omitzero"` // absent for never
}

// Expired says whether an access is over.
func (a *Access) Expired(now time.Time) bool { return !a.Expires.IsZero() && !now.Before(a.Expires) }

const (
	accessesFile = "accesses.json"
	maxAccesses  = 1000
	maxFile      = 1 << 20
)

// check refuses what cannot be kept. An access's name stands in the farm's records as who did something: it is one line
// of text.
func (a *Access) check() error {
	printable := func(text string, longest int) bool {
		return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == '"' || r == ','
		})
	}
	switch {
	case !printable(a.Name, 64) || strings.ContainsAny(a.Name, `/\`) || strings.HasPrefix(a.Name, "."):
		return farm.Refuse("farm-bad-access", "name", "%q: want 1 to 64 characters, no comma, quote or slash, "+
			"and no full stop at the beginning", a.Name)
	case !slices.Contains(Roles, a.Role):
		return farm.Refuse("farm-bad-access", "role", "%q is not one of %v", a.Role, Roles)
	case !printable(a.Selector, 200):
		return farm.Refuse("farm-bad-access", "selector", "%q: want *, an identity or the beginning of a place",
			a.Selector)
	case a.Role == Owner && a.Selector != "*":
		return farm.Refuse("farm-bad-access", "selector", "an owner's access reaches the whole farm, not %q",
			a.Selector)
	case !api.IsTokenHash(a.TokenSHA256):
		return farm.Refuse("farm-bad-access", "token_sha256", "want 64 hexadecimal digits")
	}
	return nil
}

// parseAccesses reads the file; one access that is wrong makes all of it unreadable, and nobody gets in.
func parseAccesses(content []byte) (list []Access, err error) {
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", accessesFile, err)
	}
	names := map[string]bool{}
	for i := range list {
		if err := list[i].check(); err != nil {
			return nil, err
		}
		if names[list[i].Name] {
			return nil, farm.Refuse("farm-bad-access", "name", "there are two accesses %q", list[i].Name)
		}
		names[list[i].Name] = true
	}
	return list, nil
}

// ReadAccesses reads the accesses of a farm's folder.
func ReadAccesses(dir string) ([]Access, error) {
	content, err := durable.Read(vfs.OS, filepath.Join(dir, accessesFile), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return []Access{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseAccesses(content)
}

// changeAccesses changes the file, one process at a time, whole or not at all. A file that is wrong is not changed: it
// would be written without what could not be read.
func changeAccesses(dir string, change func([]Access) ([]Access, error)) error {
	return durable.Update(vfs.OS, filepath.Join(dir, accessesFile), maxFile, func(content []byte) ([]byte, error) {
		list := []Access{}
		var err error
		if len(content) > 0 {
			if list, err = parseAccesses(content); err != nil {
				return nil, err
			}
		}
		if list, err = change(list); err != nil {
			return nil, err
		}
		if len(list) > maxAccesses {
			return nil, farm.Refuse("farm-bad-access", "name", "there are %d accesses already", maxAccesses)
		}
		if content, err = json.MarshalIndent(list, "", " "); err != nil {
			return nil, err
		}
		return append(content, '\n'), nil
	})
}

// AddAccess keeps the hash of an access token for a farm. With an empty TokenSHA256 a token is drawn; it is returned,
// and kept nowhere.
func AddAccess(dir string, a Access) (token string, err error) {
	if a.TokenSHA256 == "" {
		token = api.NewToken()
		a.TokenSHA256 = api.HashToken(token)
	}
	if err := a.check(); err != nil {
		return "", err
	}
	// An access to machines that there are not is a slip of the pen, and would open to whoever bears the name later.
	if a.Selector != "*" {
		inventory, err := fleet.OpenInventory(dir)
		if err != nil {
			return "", err
		}
		if _, err := inventory.Select(a.Selector); err != nil {
			return "", err
		}
	}
	return token, changeAccesses(dir, func(list []Access) ([]Access, error) {
		if slices.ContainsFunc(list, func(b Access) bool { return b.Name == a.Name }) {
			return nil, farm.Refuse("farm-access-there", "name", "there is an access %q already", a.Name)
		}
		return append(list, a), nil
	})
}

// RevokeAccess takes an access back. A watch that runs answers it no more.
func RevokeAccess(dir, name string) error {
	return changeAccesses(dir, func(list []Access) ([]Access, error) {
		left := slices.DeleteFunc(list, func(a Access) bool { return a.Name == name })
		if len(left) == len(list) {
			return nil, farm.Refuse("farm-no-access", "name", "there is no access %q", name)
		}
		return left, nil
	})
}

// doorkeeper knows the accesses of a farm's folder as its file is now. An access that was taken back is refused from
// the next request on.
type doorkeeper struct {
	dir string

	mu   sync.Mutex // over what follows
	seen string     // changes when the file does
	list []Access
}

// of is the access that a token opens; nil for none. A file that cannot be read opens nothing. The file is looked at
// for each request, and read when its time or size has changed: an access that was taken back by the command line is
// refused without this process hearing of it.
func (d *doorkeeper) of(secret string, now time.Time) (*Access, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	mark := ""
	if info, err := os.Stat(filepath.Join(d.dir, accessesFile)); err == nil {
		mark = fmt.Sprint(info.ModTime().UnixNano(), info.Size())
	}
	if mark == "" || mark != d.seen {
		list, err := ReadAccesses(d.dir)
		d.list, d.seen = list, mark
		if err != nil {
			d.seen = ""
			return nil, err
		}
	}
	hash := api.HashToken(secret)
	for i := range d.list {
		if a := d.list[i]; api.OpenedBy(a.TokenSHA256, hash) && !a.Expired(now) {
			return &a, nil
		}
	}
	return nil, nil
}
