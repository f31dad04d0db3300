package enrich

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// getComputers is "SEP - Get Computers" (guide §5.4).
func getComputers() Function {
	inputs := []incident.InputDef{
		{Name: "sep_computername", Type: incident.InputText, Help: "Host name of computer. Wild card is supported as '*'."},
		{Name: "sep_status", Type: incident.InputBoolean, Help: "Get overall status for endpoints."},
		{Name: "sep_status_details", Type: incident.InputBoolean, Help: "Get endpoints status details."},
		{Name: "sep_domain", Type: incident.InputText, Help: "SEPM domain, by its id or name."},
		{Name: "sep_lastupdate", Type: incident.InputText, Default: "0", Help: "Indicates when a computer last updated its status, in milliseconds since 1970. Default value of 0 gets all the results."},
		{Name: "sep_os", Type: incident.InputText, Help: "List of OS to filter by, such as Win10,Win2K19."},
		{Name: "sep_matching_endpoint_ids", Type: incident.InputBoolean, Help: "Get list of matching endpoints."},
	}
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_computers", Title: "SEP - Get Computers",
			Help:   "The computers that SEPM knows, all of them or those of a name, domain or operating system; or what is wrong with them.",
			Inputs: append(inputs, pagingInputs()...),
		},
		Keys: append([]KeyDef{
			{Name: "content[]", Help: "A computer with all the fields that SEPM gives."},
			{Name: "content[].readableLastScanTime, content[].readableLastUpdateTime, content[].readableLastVirusTime", Help: "The time in UTC, as 2024-08-21 12:00:00, or Never."},
			{Name: "content[].timediffLastScanTime, content[].timediffLastUpdateTime, content[].timediffLastVirusTime", Help: "Seconds since then."},
			{Name: "content[].osname", Help: "SEPM 14.2's spelling of osName, which 14.3 lacks.", New: true},
			{Name: "endpoints_matching_ids", Help: "With sep_matching_endpoint_ids, and alone: the ids of all computers that match."},
			{Name: "total, non_compliant, offline, hi_failed, up_to_date, out_of_date, disabled", Help: "With sep_status or sep_status_details, and without content: how many computers."},
			{Name: "eps[]", Help: "With sep_status_details: each computer that is not compliant, by computer_name, host_integrity_check, onlineStatus, the readable times, and the words for its eleven engines."},
			{Name: "eps[].computer_id", Help: "Its id.", New: true},
		}, envelopeKeys()...),
		Differs: []string{
			"All computers come, where fn_sep gives the first 20; with sep_pageindex just that page. sep_pagesize alone changes nothing.",
			"A name without * matches just that name, in any case.",
			"Compliance counts by computer id, names every state of an engine, tells a Host Integrity check that is off from one that failed by SEPM's numbers, and takes two heartbeats for out of date.",
			"Times are in UTC, where fn_sep has the app host's; a computer that was never scanned says so, where fn_sep says 1970.",
			"Computers are sorted by id unless sep_sort says otherwise: only so none is missed between two pages.",
		},
		call: callGetComputers,
	}
}

func callGetComputers(ctx context.Context, c call) (Output, error) {
	q := sepclient.ComputerQuery{
		Name: c.in["sep_computername"], OS: c.in.list("sep_os"), Sort: c.in["sep_sort"], Descending: c.in["sep_order"] == "DESC",
	}
	if text := c.in["sep_lastupdate"]; text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return Output{}, c.fault("sep_lastupdate", "is %q, which is not a whole number", text)
		}
		if ms > 0 {
			q.UpdatedSince = time.UnixMilli(ms)
		}
	}
	index, size := c.in.number("sep_pageindex"), c.in.number("sep_pagesize")
	switch {
	case index < 0 || c.in["sep_pageindex"] == "0":
		return Output{}, c.fault("sep_pageindex", "is %d: pages count from 1", index)
	case size < 0 || c.in["sep_pagesize"] == "0" || size > maxPageSize:
		return Output{}, c.fault("sep_pagesize", "is %d, which is not from 1 to %d", size, maxPageSize)
	}
	var err error
	if q.Domain, err = c.domainID(ctx, "sep_domain"); err != nil {
		return Output{}, err
	}
	switch {
	case c.in.is("sep_matching_endpoint_ids"):
		return endpointIDs(named(c.sepm.Computers(ctx, q), q.Name)), nil
	case c.in.is("sep_status_details"):
		return c.compliance(named(c.sepm.Computers(ctx, q), q.Name), true), nil
	case c.in.is("sep_status"):
		return c.compliance(named(c.sepm.Computers(ctx, q), q.Name), false), nil
	}
	q.Whole = true
	sorted := sortOf(q.Sort, q.Descending)
	if q.Sort == "" {
		sorted.Property = "COMPUTER_ID"
	}
	o := Output{Columns: computerColumns(), gather: newListResult("content", c.fileName("Endpoints"), computerColumns())}
	if index > 0 {
		if size == 0 {
			size = defaultPageSize
		}
		o.Items = onlyPage(c.sepm.ComputerPages(ctx, q, 0, nil), q.Name, index, size, sorted)
		return o, nil
	}
	o.Items = items(named(c.sepm.Computers(ctx, q), q.Name), newComputerItem, func(n int) Item { return Item{beside: onePage(n, sorted)} })
	return o, nil
}

const (
	// defaultPageSize and maxPageSize are SEPM's page where the caller says
	// none, and the most that one may ask for.
	defaultPageSize = 20
	maxPageSize     = 10_000
)

func computerColumns() []string {
	return []string{"NAME", "ID", "ONLINE", "IP", "OS", "GROUP", "LAST UPDATE"}
}

// named are the computers of just a name that has no wildcard: SEPM's own
// filter may match more.
func named(computers iter.Seq2[sepclient.Computer, error], name string) iter.Seq2[sepclient.Computer, error] {
	if name == "" || strings.Contains(name, "*") {
		return computers
	}
	return func(yield func(sepclient.Computer, error) bool) {
		for c, err := range computers {
			if (err != nil || sameComputer(c.Name, name)) && !yield(c, err) {
				return
			}
		}
	}
}

// onlyPage is one page of a list, cut from pages of another size: SEPM may cap
// the size of a page without a word.
func onlyPage(pages iter.Seq2[sepclient.ComputerPage, error], name string, index, size int, sorted sortedBy) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		page := envelope{Sort: []sortedBy{sorted}, Number: index - 1, Size: size, FirstPage: index == 1}
		at, first, end := 0, (index-1)*size, index*size
		for p, err := range pages {
			if err != nil {
				yield(Item{}, err)
				return
			}
			page.TotalElements = p.Total
			for c := range namedOf(p.Computers, name) {
				if at >= first && at < end && !yield(newComputerItem(c), nil) {
					return
				}
				at++
			}
			if p.Last {
				page.TotalElements = at // SEPM's counter may have others in it
			}
			if page.LastPage = p.Last && at <= end; at > end || p.Last {
				break
			}
		}
		page.TotalElements = max(page.TotalElements, at)
		page.TotalPages = (page.TotalElements + size - 1) / size
		page.NumberOfElements = max(0, min(at, end)-first)
		yield(Item{beside: page}, nil)
	}
}

func namedOf(computers []sepclient.Computer, name string) iter.Seq[sepclient.Computer] {
	return func(yield func(sepclient.Computer) bool) {
		for c := range named(values(computers), name) {
			if !yield(c) {
				return
			}
		}
	}
}

func newComputerItem(c sepclient.Computer) Item {
	return Item{JSON: newComputerJSON(c), Cells: computerCells(c)}
}

func computerCells(c sepclient.Computer) []string {
	online := "no"
	if c.Online() {
		online = "yes"
	}
	return []string{c.Name, c.ID, online, strings.Join(c.IPAddresses, ", "), c.OS, c.Group.Name, moment(c.LastUpdate)}
}

// computerTimes are what fn_sep adds to a computer (contract: SEPM API B4).
type computerTimes struct {
	ReadableScan   string  `json:"readableLastScanTime"`
	ReadableUpdate string  `json:"readableLastUpdateTime"`
	ReadableVirus  string  `json:"readableLastVirusTime"`
	SinceScan      float64 `json:"timediffLastScanTime"`
	SinceUpdate    float64 `json:"timediffLastUpdateTime"`
	SinceVirus     float64 `json:"timediffLastVirusTime"`
	// OSName is 14.2's spelling, which fn_sep's scripts read (C14).
	OSName *string `json:"osname,omitempty"`
}

// newComputerJSON is a computer as SEPM wrote it, with what fn_sep adds at its
// end.
func newComputerJSON(c sepclient.Computer) json.RawMessage {
	since := func(t time.Time) float64 {
		if t.IsZero() { // SEPM's 0, which is 1970 in fn_sep's reckoning
			t = time.Unix(0, 0)
		}
		return c.AsOf.Sub(t).Seconds()
	}
	added := computerTimes{
		ReadableScan: readable(c.LastScan), ReadableUpdate: readable(c.LastUpdate), ReadableVirus: readable(c.LastVirus),
		SinceScan: since(c.LastScan), SinceUpdate: since(c.LastUpdate), SinceVirus: since(c.LastVirus),
	}
	if !bytes.Contains(c.JSON, []byte(`"osname"`)) {
		added.OSName = &c.OSName
	}
	more, _ := json.Marshal(added) // of texts and numbers, which never fails
	object := bytes.TrimSpace(c.JSON)
	if len(object) < 2 || bytes.Equal(object, []byte("{}")) {
		return more
	}
	joined := make([]byte, 0, len(object)+len(more))
	joined = append(joined, object[:len(object)-1]...)
	joined = append(joined, ',')
	return append(joined, more[1:]...)
}

// endpointIDs are the ids alone: a workflow has them scanned, and may have no
// room for more.
func endpointIDs(computers iter.Seq2[sepclient.Computer, error]) Output {
	var seen idSet
	o := Output{Columns: computerColumns(), gather: newListResult("endpoints_matching_ids", "Endpoint_ids.csv", computerColumns())}
	o.Items = func(yield func(Item, error) bool) {
		for c, err := range computers {
			if err != nil {
				yield(Item{}, err)
				return
			}
			if c.ID != "" && seen.add(c.ID) && !yield(Item{JSON: c.ID, Cells: computerCells(c)}, nil) {
				return
			}
		}
	}
	return o
}

// compliance is how many computers are compliant, and which are not.
func (c call) compliance(computers iter.Seq2[sepclient.Computer, error], withDetails bool) Output {
	fold := &Compliance{Heartbeat: c.Heartbeat}
	o := Output{Columns: []string{"TOTAL", "NON-COMPLIANT", "OFFLINE", "HI FAILED", "UP TO DATE", "OUT OF DATE", "DISABLED"}}
	if withDetails {
		o.Columns = []string{"NAME", "ID", "ONLINE", "HOST INTEGRITY", "LAST UPDATE", "ENGINES NOT ENABLED"}
		o.gather = newListResult("eps", c.fileName("Non_compliant_endpoints"), o.Columns)
	}
	o.Items = func(yield func(Item, error) bool) {
		for computer, err := range computers {
			if err != nil {
				yield(Item{}, err)
				return
			}
			details, non := fold.Add(computer)
			if non && withDetails && !yield(Item{JSON: details, Cells: detailCells(details)}, nil) {
				return
			}
		}
		s := fold.Summary()
		if withDetails {
			yield(Item{JSON: s, beside: s, Note: fmt.Sprintf("%d of %s not compliant", s.NonCompliant, amount(s.Total, "computer"))}, nil)
			return
		}
		yield(Item{JSON: s, Cells: numbers(s.Total, s.NonCompliant, s.Offline, s.HIFailed, s.UpToDate, s.OutOfDate, s.Disabled)}, nil)
	}
	return o
}

func detailCells(d ComplianceDetails) []string {
	var not []string
	for _, e := range []struct{ name, state string }{
		{"Auto-Protect", d.AutoProtect}, {"Anti-Virus", d.Antivirus}, {"Firefox", d.BrowserFirefox}, {"IE", d.BrowserIE},
		{"Intrusion Detection", d.Intrusion}, {"Download Insight", d.Download}, {"Early Launch", d.EarlyLaunch},
		{"Firewall", d.Firewall}, {"Exploit Protection", d.Exploit}, {"Proactive Threat", d.Proactive}, {"Tamper Protection", d.Tamper},
	} {
		if e.state != "Enabled" {
			not = append(not, e.name+": "+e.state)
		}
	}
	return []string{d.ComputerName, d.ComputerID, d.OnlineStatus, d.HostIntegrity, d.LastUpdate, strings.Join(not, "; ")}
}

func numbers(n ...int) []string {
	cells := make([]string, len(n))
	for i := range n {
		cells[i] = strconv.Itoa(n[i])
	}
	return cells
}

// fileName is the name of an attachment that is made now.
func (c call) fileName(of string) string {
	return of + "_" + c.Now().UTC().Format("20060102150405") + ".csv"
}

// moment is a time in a table, empty for never.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// millis is a time as SEPM writes it, 0 for never.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// some is a list that is [] in JSON where it is empty.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
