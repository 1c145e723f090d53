package miningcmd

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/localca"
	"github.com/aqsha/aqsha/pool/settings"
)

// A port's difficulties are read beside its address; nonsense is refused by name.
func TestParseListen(t *testing.T) {
	config := settings.Defaults()
	address, port, err := parseListen("0.0.0.0:3334,start=500000,min=400000", config)
	if err != nil || address != "0.0.0.0:3334" || port.StartDifficulty != 500000 || port.MinDifficulty != 400000 || port.MaxDifficulty != config.MaxDifficulty {
		t.Errorf("%s %+v %v", address, port, err)
	}
	if _, port, err := parseListen(":1,min=5000", config); err != nil || port.StartDifficulty != 5000 {
		t.Errorf("a least difficulty above the start: %+v %v", port, err)
	}
	if _, port, err := parseListen(":1", config); err != nil || *port != config.Port() {
		t.Errorf("%+v %v", port, err)
	}
	for _, bad := range []string{":1,start=x", ":1,nosuch=1", ":1,start=1,min=2", ":1,max=0", ":1,start=NaN"} {
		if _, _, err := parseListen(bad, config); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

// writePair writes a new certificate with its key and returns it.
func writePair(t *testing.T, certFile, keyFile string) []byte {
	t.Helper()
	pair, err := localca.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pair.Certificate[0]
}

// A renewed certificate is served after SIGHUP, which ends nothing: an open connection goes on, and a
// pair that does not fit leaves the old one in use.
func TestCertificateRenews(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := writePair(t, certFile, keyFile)
	var said bytes.Buffer
	c, err := cli.LoadCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	watching := make(chan struct{})
	go func() { c.Watch(ctx, hangups()); close(watching) }()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", c.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	served := func() (*tls.Conn, []byte) {
		t.Helper()
		conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // our own, of this minute
		if err != nil {
			t.Fatal(err)
		}
		return conn, conn.ConnectionState().PeerCertificates[0].Raw
	}
	open, raw := served()
	if !bytes.Equal(raw, first) {
		t.Fatal("another certificate than the one on disk")
	}
	hangup := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	second := writePair(t, certFile, keyFile)
	hangup()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, raw := served()
		conn.Close()
		if bytes.Equal(raw, second) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the renewed certificate is not served")
		}
	}
	if err := os.WriteFile(keyFile, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangup()
	if _, err := open.Write([]byte("x")); err != nil {
		t.Errorf("the open connection was dropped: %v", err)
	}
	if _, err := io.ReadFull(open, make([]byte, 1)); err != nil {
		t.Errorf("the open connection was dropped: %v", err)
	}
	if _, raw := served(); !bytes.Equal(raw, second) {
		t.Error("a pair that does not fit took the certificate away")
	}
	cancel()
	<-watching
	_ = net.Conn(open).Close()
}
