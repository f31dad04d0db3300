package enrich

import (
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/sepclient"
)

// Compliance counts computers by what is wrong with them, as "SEP - Get
// Computers" does for a status (contract: SEPM API B4), one by one and by
// their ids: namesakes count apart, and one that comes again counts once.
//
// A computer is non-compliant that is offline, out of date, has an engine that
// is [sepclient.EngineDisabled], or failed its Host Integrity check. It may be
// in several of these counts and is once in NonCompliant.
type Compliance struct {
	// Heartbeat is how often clients are in touch with SEPM: one that was not
	// for twice as long is out of date.
	Heartbeat time.Duration

	summary ComplianceSummary
	seen    idSet
}

// ComplianceSummary are the counts, under fn_sep's names.
type ComplianceSummary struct {
	Total        int `json:"total"`
	NonCompliant int `json:"non_compliant"`
	Offline      int `json:"offline"`
	HIFailed     int `json:"hi_failed"`
	UpToDate     int `json:"up_to_date"`
	OutOfDate    int `json:"out_of_date"`
	Disabled     int `json:"disabled"`
}

// ComplianceDetails are one non-compliant computer, under fn_sep's names and
// with its id beside.
type ComplianceDetails struct {
	ComputerID     string `json:"computer_id"`
	ComputerName   string `json:"computer_name"`
	HostIntegrity  string `json:"host_integrity_check"`
	OnlineStatus   string `json:"onlineStatus"`
	LastScan       string `json:"readableLastScanTime"`
	LastVirus      string `json:"readableLastVirusTime"`
	LastUpdate     string `json:"readableLastUpdateTime"`
	AutoProtect    string `json:"apOnOff"`
	Antivirus      string `json:"avEngineOnOff"`
	BrowserFirefox string `json:"cidsBrowserFfOnOff"`
	BrowserIE      string `json:"cidsBrowserIeOnOff"`
	Intrusion      string `json:"cidsDrvOnOff"`
	Download       string `json:"daOnOff"`
	EarlyLaunch    string `json:"elamOnOff"`
	Firewall       string `json:"firewallOnOff"`
	Exploit        string `json:"pepOnOff"`
	Proactive      string `json:"ptpOnOff"`
	Tamper         string `json:"tamperOnOff"`
}

// Add counts a computer, and gives its details where it is non-compliant. One
// that was counted before gives nothing.
func (c *Compliance) Add(computer sepclient.Computer) (details ComplianceDetails, nonCompliant bool) {
	if computer.ID != "" && !c.seen.add(computer.ID) {
		return ComplianceDetails{}, false
	}
	s := &c.summary
	s.Total++
	count := func(wrong bool, column *int) {
		if wrong {
			*column++
			nonCompliant = true
		}
	}
	outOfDate := computer.AsOf.Sub(computer.LastUpdate) > 2*c.Heartbeat
	count(engineDisabled(computer.Engines), &s.Disabled)
	count(hostIntegrity(computer) == hostIntegrityFailed, &s.HIFailed)
	count(!computer.Online(), &s.Offline)
	count(outOfDate, &s.OutOfDate)
	if !outOfDate {
		s.UpToDate++
	}
	if !nonCompliant {
		return ComplianceDetails{}, false
	}
	s.NonCompliant++
	return newComplianceDetails(computer), true
}

// Summary is what was counted so far.
func (c *Compliance) Summary() ComplianceSummary { return c.summary }

func newComplianceDetails(c sepclient.Computer) ComplianceDetails {
	online := "Offline"
	if c.Online() {
		online = "Online"
	}
	e := c.Engines
	return ComplianceDetails{
		ComputerID: c.ID, ComputerName: c.Name, HostIntegrity: hostIntegrity(c), OnlineStatus: online,
		LastScan: readable(c.LastScan), LastVirus: readable(c.LastVirus), LastUpdate: readable(c.LastUpdate),
		AutoProtect: engineWord(e.AutoProtect), Antivirus: engineWord(e.Antivirus), BrowserFirefox: engineWord(e.BrowserFirefox),
		BrowserIE: engineWord(e.BrowserIE), Intrusion: engineWord(e.IntrusionDriver), Download: engineWord(e.DownloadInsight),
		EarlyLaunch: engineWord(e.EarlyLaunch), Firewall: engineWord(e.Firewall), Exploit: engineWord(e.ExploitPrevent),
		Proactive: engineWord(e.ProactiveThreat), Tamper: engineWord(e.TamperProtection),
	}
}

// engineDisabled is fn_sep's rule: policy, a missing licence or a fault are no
// "disabled".
func engineDisabled(e sepclient.Engines) bool {
	for _, state := range [...]sepclient.EngineState{
		e.AutoProtect, e.Antivirus, e.BrowserFirefox, e.BrowserIE, e.IntrusionDriver, e.DownloadInsight,
		e.EarlyLaunch, e.Firewall, e.ExploitPrevent, e.ProactiveThreat, e.TamperProtection,
	} {
		if state == sepclient.EngineDisabled {
			return true
		}
	}
	return false
}

// engineWord is the state of an engine as the guide's table has it; a state
// that fn_sep had no word for has one here (contract: SEPM API C16).
func engineWord(state sepclient.EngineState) string {
	switch state {
	case sepclient.EngineDisabled:
		return "Disabled"
	case sepclient.EngineOn:
		return "Enabled"
	case sepclient.EngineNotInstalled:
		return "Not installed"
	case sepclient.EngineDisabledByPolicy:
		return "Disabled by policy"
	case sepclient.EngineMalfunctioning:
		return "Malfunctioning"
	case sepclient.EngineUnlicensed:
		return "Disabled, unlicensed"
	case sepclient.EngineNotReported:
		return "Client not reporting"
	}
	return fmt.Sprintf("State %d", state)
}

const hostIntegrityFailed = "Failed"

// hostIntegrity is the result of a computer's Host Integrity check. SEPM's
// numbers count first; before 14.3 there are only words (contract: SEPM API
// A10, C13). A check that is off, or was not made, has not failed.
func hostIntegrity(c sepclient.Computer) string {
	words := strings.ToLower(c.QuarantineDesc)
	switch {
	case !isWindows(c):
		return "N/A"
	case c.QuarantineStatus == 1, c.QuarantineStatus == 0 && c.QuarantineCode == 0, strings.Contains(words, "host integrity check passed"):
		return "Passed"
	}
	switch c.QuarantineStatus {
	case 0:
		return hostIntegrityFailed
	case 2:
		return "Pending"
	case 3:
		return "Disabled"
	case 4:
		return "Ignored"
	}
	switch {
	case strings.Contains(words, "disabled"):
		return "Disabled"
	case strings.Contains(words, "ignored"):
		return "Ignored"
	case strings.Contains(words, "not complete"), strings.Contains(words, "pending"):
		return "Pending"
	case strings.Contains(words, "fail"):
		return hostIntegrityFailed
	}
	return "Not reported"
}

// isWindows tells a Windows computer by any of SEPM's names of its system
// (contract: SEPM API C14).
func isWindows(c sepclient.Computer) bool {
	return strings.Contains(strings.ToLower(c.OSName+" "+c.OS), "windows")
}

// readable is a time as fn_sep writes it, in UTC.
func readable(t time.Time) string {
	if t.IsZero() {
		return "Never"
	}
	return t.UTC().Format(time.DateTime)
}

// idSet is a set of ids that takes little memory for many: it keeps sums.
type idSet struct {
	seed maphash.Seed
	sums map[uint64]struct{}
}

// add reports whether the id is new.
func (s *idSet) add(id string) bool {
	if s.sums == nil {
		s.seed, s.sums = maphash.MakeSeed(), make(map[uint64]struct{})
	}
	sum := maphash.String(s.seed, id)
	_, known := s.sums[sum]
	s.sums[sum] = struct{}{}
	return !known
}
