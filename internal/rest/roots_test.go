package rest

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The digests are those that the Ministry of Digital Development publishes;
// they stand here once more so that a changed file and a changed table both
// fail.
var published = map[string]struct{ digest, until string }{
	"Russian Trusted Root CA/1000": {"d26d2d0231b7c39f92cc738512ba54103519e4405d68b5bd703e9788ca8ecf31", "2032-02-27T21:04:15Z"},
	"Russian Trusted Sub CA/1002":  {"bbbde2103e790b999ec62bd03cf625a5a2e7c316e10afe6a490eedead8b3fd9b", "2027-03-06T11:25:19Z"},
	"Russian Trusted Sub CA/1005":  {"2155785036c900dbb5f1bb2a1569c80c55595bd6bf94867a29bbddbc7d88a3f2", "2029-07-19T12:50:41Z"},
}

func nameOf(c *x509.Certificate) string { return c.Subject.CommonName + "/" + c.SerialNumber.Text(16) }

func russian(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	for _, c := range RussianRoots() {
		if nameOf(c) == name {
			return c
		}
	}
	t.Fatalf("%s is not among the certificates", name)
	return nil
}

func TestRussianRootsAreThePublishedOnes(t *testing.T) {
	require.Len(t, RussianRoots(), 3)
	for _, c := range RussianRoots() {
		want, ok := published[nameOf(c)]
		require.True(t, ok, nameOf(c))
		sum := sha256.Sum256(c.Raw)
		assert.Equal(t, want.digest, hex.EncodeToString(sum[:]))
		assert.Equal(t, want.until, c.NotAfter.UTC().Format(time.RFC3339))
		assert.True(t, c.IsCA)
	}
}

func TestSubCAsAreSignedByTheRoot(t *testing.T) {
	root := russian(t, "Russian Trusted Root CA/1000")
	require.NoError(t, root.CheckSignatureFrom(root))
	roots := x509.NewCertPool()
	roots.AddCert(root)
	for _, name := range []string{"Russian Trusted Sub CA/1002", "Russian Trusted Sub CA/1005"} {
		sub := russian(t, name)
		chains, err := sub.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: sub.NotAfter.Add(-time.Hour), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		require.NoError(t, err, name)
		assert.Len(t, chains[0], 2)
	}
}

// A pool with the root and both Sub CAs verifies also for a server that leaves
// its intermediate out: each of the three is an anchor.
func TestThePoolHasAllThree(t *testing.T) {
	pool := x509.NewCertPool()
	addRussianRoots(pool)
	for _, c := range RussianRoots() {
		_, err := c.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: c.NotAfter.Add(-time.Hour), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		assert.NoError(t, err, nameOf(c))
	}
}

// Only the client that asks for the Russian roots trusts them.
func TestRussianRootsAreOfOneClient(t *testing.T) {
	trusts := func(opt Options) bool {
		opt.BaseURL = "https://bank.example"
		c, err := New(opt)
		require.NoError(t, err)
		conf := c.http.Transport.(*http.Transport).TLSClientConfig
		require.False(t, conf.InsecureSkipVerify)
		if conf.RootCAs == nil {
			return false
		}
		system, err := x509.SystemCertPool()
		require.NoError(t, err)
		return !conf.RootCAs.Equal(system)
	}
	assert.True(t, trusts(Options{RussianRoots: true}))
	assert.False(t, trusts(Options{}))

	own := &http.Client{Transport: &http.Transport{}}
	_, err := New(Options{BaseURL: "https://bank.example", RussianRoots: true, HTTPClient: own})
	require.NoError(t, err)
	assert.Nil(t, own.Transport.(*http.Transport).TLSClientConfig, "a transport of the user's is never changed")
}

// How long before the end of a certificate this must be seen.
const warning = 90 * 24 * time.Hour

// expiring says which certificates end within 90 days of now: those whose end
// stops payments, and the others.
func expiring(certs []*x509.Certificate, now time.Time) (fatal, notice []string) {
	for _, c := range certs {
		if now.Add(warning).Before(c.NotAfter) {
			continue
		}
		line := nameOf(c) + " ends on " + c.NotAfter.Format(time.DateOnly) + "; take its successor from https://www.gosuslugi.ru/crt"
		// Servers are signed by the Sub CA of 2024: the one of 2022 ends in its
		// time, and nothing breaks.
		if c.SerialNumber.Text(16) == "1002" {
			notice = append(notice, line)
		} else {
			fatal = append(fatal, line)
		}
	}
	slices.Sort(fatal)
	return fatal, notice
}

func TestRussianRootsDoNotExpireSoon(t *testing.T) {
	fatal, notice := expiring(RussianRoots(), time.Now())
	for _, line := range notice {
		t.Log("WARNING: " + line)
	}
	for _, line := range fatal {
		t.Error(line)
	}
}

func TestTheWarningComesNinetyDaysBefore(t *testing.T) {
	at := func(day string) time.Time {
		d, err := time.Parse(time.DateOnly, day)
		require.NoError(t, err)
		return d
	}
	for day, want := range map[string][2]int{
		"2026-12-01": {0, 0}, "2026-12-07": {0, 1}, "2027-03-07": {0, 1}, // sub 2022: a notice, and no failure after its end either
		"2029-04-19": {0, 1}, "2029-04-21": {1, 1}, // sub 2024
		"2031-11-29": {1, 1}, "2031-12-01": {2, 1}, // root
	} {
		fatal, notice := expiring(RussianRoots(), at(day))
		assert.Len(t, fatal, want[0], day)
		assert.Len(t, notice, want[1], day)
	}
}
