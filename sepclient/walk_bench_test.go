package sepclient

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fleetPages answers with pages of computers, each as large as SEPM's, that
// are made as they are read.
type fleetPages struct {
	size   int
	object []byte // with two places for a number
}

func newFleetPages(size int) fleetPages {
	var object strings.Builder
	object.WriteString(`{"computerName":"HOST-%[1]d","uniqueId":"%032[1]X"`)
	for i := range 110 {
		fmt.Fprintf(&object, `,"someOtherField%d":"some value of it %d"`, i, i)
	}
	object.WriteString(`,"ipAddresses":["10.0.0.1","FE80::1"],"macAddresses":["00-50-56-00-00-01"],"osName":"Windows 10","onlineStatus":1,` +
		`"apOnOff":1,"lastScanTime":1724225880000,"group":{"id":"G","name":"My Company\\G","domain":{"id":"D","name":"Default"}}}`)
	return fleetPages{size, []byte(object.String())}
}

func (f fleetPages) RoundTrip(r *http.Request) (*http.Response, error) {
	var body io.Reader = strings.NewReader(`{"token":"T"}`)
	if !isLogin(r) {
		q := r.URL.Query()
		index, _ := strconv.Atoi(q.Get("pageIndex"))
		size, _ := strconv.Atoi(q.Get("pageSize"))
		body = &fleetPage{fleetPages: f, next: (index - 1) * size, end: index * size}
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

// fleetPage is the text of one page.
type fleetPage struct {
	fleetPages
	next, end int
	begun     bool
	text      bytes.Buffer
}

func (p *fleetPage) Read(b []byte) (int, error) {
	if p.text.Len() == 0 {
		switch {
		case p.next > p.end:
			return 0, io.EOF
		case p.next == p.end:
			fmt.Fprintf(&p.text, `],"lastPage":%t,"totalElements":%d}`, p.end >= p.size, p.size)
		default:
			p.text.WriteString(map[bool]string{false: `{"content":[`, true: ","}[p.begun])
			p.begun = true
			fmt.Fprintf(&p.text, string(p.object), p.next)
		}
		p.next++
	}
	return p.text.Read(b)
}

// BenchmarkWalk goes over 100,000 computers, and reports what each costs and
// the most that the heap has held, above what it held before.
func BenchmarkWalk(b *testing.B) {
	const fleet = 100_000
	c, err := New(Options{URL: "https://sepm.example.com:8446", Username: "u", Password: "p", PageSize: 500})
	require.NoError(b, err)
	c.http.SetTransport(newFleetPages(fleet))
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak, computers uint64
	for b.Loop() {
		for computer, err := range c.Computers(b.Context(), ComputerQuery{}) {
			if err != nil {
				b.Fatal(err)
			}
			if computers++; computers%500 == 0 {
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
			}
			_ = computer
		}
	}
	require.EqualValues(b, uint64(b.N)*fleet, computers)
	runtime.ReadMemStats(&now)
	b.ReportMetric(float64(now.Mallocs-before.Mallocs)/float64(computers), "allocs/computer")
	b.ReportMetric(float64(now.TotalAlloc-before.TotalAlloc)/float64(computers), "B/computer")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(computers), "ns/computer")
}

// The walk's pages of the benchmark are what they are meant to be.
func TestFleetPages(t *testing.T) {
	c, err := New(Options{URL: "https://sepm.example.com:8446", Username: "u", Password: "p", PageSize: 2})
	require.NoError(t, err)
	c.http.SetTransport(newFleetPages(4))
	names, err := list(t, c, ComputerQuery{})
	require.NoError(t, err)
	require.Equal(t, []string{"HOST-0", "HOST-1", "HOST-2", "HOST-3"}, names)
	r, err := newFleetPages(4).RoundTrip(&http.Request{URL: &url.URL{RawQuery: "pageIndex=1&pageSize=2"}})
	require.NoError(t, err)
	page, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.InDelta(t, 10_000, len(page), 3_000, "some 5 KB each")
}
