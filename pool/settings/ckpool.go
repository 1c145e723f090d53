package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aqsha/aqsha/pool/stratum"
)

// Imported is what a ckpool.conf says, in our terms.
type Imported struct {
	Config  Config
	Nodes   []ImportedNode
	Listen  []string
	ZMQ     string
	Ignored []string // keys that have no counterpart here
}

// ImportedNode is a node's address with its credentials.
type ImportedNode struct{ Address, User, Password string }

// maxConfigBytes bounds a configuration file.
const maxConfigBytes = 64 << 10

// ImportCkpool reads ckpool's JSON configuration over the defaults. The user name of its miners is
// the payout address there too, so nothing else need be moved. Its "donation" is a gift to the author of
// ckpool, no fee of the operator's, and ignored.
func ImportCkpool(raw []byte, defaults Config) (*Imported, error) {
	if len(raw) > maxConfigBytes {
		return nil, &ConfigError{"import", fmt.Sprintf("longer than %d bytes", maxConfigBytes)}
	}
	var keys map[string]json.RawMessage
	// ckpool reads one object and no further; its sample file ends in remarks.
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&keys); err != nil {
		return nil, &ConfigError{"import", "not ckpool's JSON: " + err.Error()}
	}
	result := &Imported{Config: defaults}
	c := &result.Config
	var nodes []struct{ URL, Auth, Pass string }
	var mask string
	var update int
	into := map[string]any{
		"btcd": &nodes, "btcaddress": &c.Operator, "btcsig": &c.Tag, "startdiff": &c.StartDifficulty,
		"mindiff": &c.MinDifficulty, "maxdiff": &c.MaxDifficulty,
		"maxclients": &c.MaxConnections, "serverurl": &result.Listen, "version_mask": &mask, "update_interval": &update,
		"zmqblock": &result.ZMQ,
	}
	for key, value := range keys {
		target, known := into[key]
		if !known {
			result.Ignored = append(result.Ignored, key)
			continue
		}
		if err := json.Unmarshal(value, target); err != nil {
			return nil, &ConfigError{key, err.Error()}
		}
	}
	slices.Sort(result.Ignored)
	for _, n := range nodes {
		result.Nodes = append(result.Nodes, ImportedNode{n.URL, n.Auth, n.Pass})
	}
	if update > 0 {
		c.JobInterval = time.Duration(update) * time.Second
	}
	if mask != "" {
		bits, ok := stratum.Hex32([]byte(mask))
		if !ok {
			return nil, &ConfigError{"version_mask", "not hexadecimal"}
		}
		c.VersionMask = bits & MaskBIP323
	}
	if c.MaxDifficulty <= 0 { // ckpool's way to say: no limit
		c.MaxDifficulty = defaults.MaxDifficulty
	}
	c.StartDifficulty = max(c.StartDifficulty, c.MinDifficulty)
	return result, c.Validate()
}
