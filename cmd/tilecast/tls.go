package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	certificateLife  = 397 * 24 * time.Hour // the most that browsers of every make take
	certificateRenew = 30 * 24 * time.Hour  // before its end
)

// certificateFile holds the development certificate and its key, in PEM.
func certificateFile(dir string) string { return filepath.Join(dir, "tls-dev.pem") }

// devTLS is what HTTPS needs for development: a self-signed certificate for this
// machine's names and addresses, kept in dir. It is made anew near its end or when
// the machine has got a name or an IPv4 address that it lacks.
func devTLS(dir string, now time.Time) (*tls.Config, error) {
	names, ips := machineNames()
	cert, err := readCertificate(certificateFile(dir), now, names, ips)
	if err != nil {
		if cert, err = makeCertificate(dir, now, names, ips); err != nil {
			return nil, fmt.Errorf("development certificate: %w", err)
		}
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// machineNames are the names and addresses under which this machine may be called.
func machineNames() (names []string, ips []net.IP) {
	names = []string{"localhost"}
	if host, err := os.Hostname(); err == nil && host != "" && host != "localhost" {
		names = append(names, host)
	}
	ips = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	addrs, _ := net.InterfaceAddrs() // without them, the names above must do
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			ips = append(ips, n.IP)
		}
	}
	return names, ips
}

// readCertificate reads a certificate that is still good at now, for names and ips.
func readCertificate(path string, now time.Time, names []string, ips []net.IP) (tls.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := tls.X509KeyPair(data, data)
	if err != nil {
		return tls.Certificate{}, err
	}
	if now.Before(cert.Leaf.NotBefore) || now.After(cert.Leaf.NotAfter.Add(-certificateRenew)) {
		return tls.Certificate{}, fmt.Errorf("%s: good from %s to %s", path, cert.Leaf.NotBefore, cert.Leaf.NotAfter)
	}
	for _, ip := range ips {
		if ip.To4() != nil { // IPv6 addresses come and go by the day
			names = append(names, ip.String())
		}
	}
	for _, name := range names {
		if err := cert.Leaf.VerifyHostname(name); err != nil {
			return tls.Certificate{}, err
		}
	}
	return cert, os.Chmod(path, 0o600)
}

// makeCertificate makes a certificate for names and ips and keeps it in dir, for its owner's eyes only.
func makeCertificate(dir string, now time.Time, names []string, ips []net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "tilecast development", Organization: []string{names[len(names)-1]}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(certificateLife - time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names,
		IPAddresses:           ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	var text bytes.Buffer
	_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a buffer takes everything
	_ = pem.Encode(&text, &pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	if err := writeSecret(certificateFile(dir), text.Bytes()); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(text.Bytes(), text.Bytes())
}

// writeSecret puts data at path with mode 0600, whole or not at all.
func writeSecret(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tls-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
