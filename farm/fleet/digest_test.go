package fleet

import (
	"strings"
	"testing"
)

// The example of RFC 2069's successor with qop=auth (RFC 2617 3.5), as far as it does not depend on our own nonce.
func TestDigestFields(t *testing.T) {
	got := digestFields(`Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41", algorithm=MD5`)
	for name, want := range map[string]string{"realm": "testrealm@host.com", "qop": "auth,auth-int", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093", "algorithm": "MD5"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	d := Digest{User: "Mufasa", Password: "CircleOfLife"}
	// Without qop the response is fixed (RFC 2069): MD5(HA1:nonce:HA2), computed here by other means.
	answer, err := d.answer(`Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"`, "GET", "/dir/index.html")
	if err != nil || !strings.Contains(answer, `response="1949323746fe6a43ef61f9606e7febea"`) {
		t.Errorf("%s, %v", answer, err)
	}
	for _, bad := range []string{"", "Basic realm=x", "Digest realm=x", `Digest nonce="a", algorithm=SHA-256`} {
		if _, err := d.answer(bad, "GET", "/"); err == nil {
			t.Errorf("%q is answered", bad)
		}
	}
}

func FuzzDigestFields(f *testing.F) {
	f.Add(`Digest realm="antMiner Configuration", nonce="x", algorithm=MD5, qop="auth"`)
	f.Add(`Digest ====,,,"`)
	f.Fuzz(func(t *testing.T, challenge string) {
		answer, err := (&Digest{User: "root", Password: "root"}).answer(challenge, "GET", "/cgi-bin/x.cgi")
		if err == nil && strings.ContainsAny(answer, "\r\n") {
			t.Errorf("a header of two lines: %q", answer)
		}
	})
}
