package settings_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/pool/settings"
)

const operator = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"

// A configuration with every key of the sample that ckpool comes with, in its layout, remarks at the end included.
const ckpoolConf = `{
"btcd" :  [
	{
		"url" : "localhost:8332",
		"auth" : "me",
		"pass" : "secret",
		"notify" : true
	},
	{
		"url" : "other:8332",
		"auth" : "me2",
		"pass" : "secret2",
		"notify" : false
	}
],
"upstream" : "upstream.example:3336",
"btcaddress" : "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry",
"btcsig" : "/a farm/",
"blockpoll" : 100,
"donation" : 2.0,
"nonce1length" : 4,
"nonce2length" : 8,
"update_interval" : 20,
"version_mask" : "1fffe000",
"dropidle" : 0,
"serverurl" : [
	"0.0.0.0:3333",
	"[::]:3333",
	"0.0.0.0:80"
],
"nodeserver" : [ "pool.example:3335" ],
"trusted" : [ "pool.example:3336" ],
"mindiff" : 2,
"startdiff" : 5000,
"maxdiff" : 0,
"zmqblock" : "tcp://127.0.0.1:28332",
"logdir" : "logs",
"ipcmining" : "/tmp/mining.sock",
"ipctemplate" : true
}
Remarks may follow: "mindiff" : 7, or { or anything.
`

// ckpool's own configuration moves over whole; what has no counterpart is named; a donation is no fee.
func TestCkpoolsConfigurationIsImported(t *testing.T) {
	got, err := settings.ImportCkpool([]byte(ckpoolConf), settings.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	c, d := got.Config, settings.Defaults()
	if c.Operator != operator || c.Tag != "/a farm/" || c.JobInterval != 20*time.Second || c.VersionMask != settings.MaskBIP320 ||
		c.MinDifficulty != 2 || c.StartDifficulty != 5000 || c.MaxDifficulty != d.MaxDifficulty || c.FeePPM != d.FeePPM {
		t.Errorf("%+v", c)
	}
	if want := "[{localhost:8332 me secret} {other:8332 me2 secret2}]"; fmt.Sprint(got.Nodes) != want {
		t.Errorf("nodes %v", got.Nodes)
	}
	if want := "[0.0.0.0:3333 [::]:3333 0.0.0.0:80]"; fmt.Sprint(got.Listen) != want || got.ZMQ != "tcp://127.0.0.1:28332" {
		t.Errorf("listens on %v, news from %s", got.Listen, got.ZMQ)
	}
	ignored := "blockpoll donation dropidle ipcmining ipctemplate logdir nodeserver nonce1length nonce2length trusted upstream"
	if strings.Join(got.Ignored, " ") != ignored {
		t.Errorf("ignored %v", got.Ignored)
	}
}

// A mistake is refused by the name of its key.
func TestMistakesInCkpoolsConfiguration(t *testing.T) {
	for field, change := range map[string][2]string{
		"mindiff": {`"mindiff" : 2`, `"mindiff" : "two"`}, "version_mask": {`"1fffe000"`, `"xyz"`}, "btcd": {`"btcd" :  [`, `"btcd" : 3, "x" : [`},
		"import": {"{\n", "\n"}, "tag": {"/a farm/", strings.Repeat("x", 100)}, "operator": {operator, ""},
	} {
		_, err := settings.ImportCkpool([]byte(strings.Replace(ckpoolConf, change[0], change[1], 1)), settings.Defaults())
		var bad *settings.ConfigError
		if !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
