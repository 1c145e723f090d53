package control

import "testing"

// Vectors of OpenSSL: openssl passwd -1 -salt SALT PASSWORD.
func TestMD5Crypt(t *testing.T) {
	for _, v := range [][3]string{
		{"admin", "BQ5hoXV9", "RxmaDUO33TS7O26yeMHZ81"},
		{"RxmaDUO33TS7O26yeMHZ815626", "jbzkfQls", "w.BNbkCV6n1aNWgiBWLzT/"},
		{"a long passphrase of more than sixteen bytes", "abcdefgh", "x60OvP.UofXqX3rEnTN/g."},
	} {
		if got := md5crypt(v[0], v[1]); got != v[2] {
			t.Errorf("md5crypt(%q, %q) = %q, want %q", v[0], v[1], got, v[2])
		}
	}
}
