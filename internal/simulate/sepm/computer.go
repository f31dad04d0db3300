package sepm

import (
	"strings"
	"time"
)

// Computer is one record of the computer list: what a test or the demo sets.
// Everything else that SEPM reports is filled in when it is asked.
type Computer struct {
	Name        string // computerName
	ID          string // uniqueId, 32 upper-case hex digits
	HardwareKey string
	Domain      Domain // empty is the first domain
	Group       Group  // empty is My Company\Default Group

	// OS is the filter's name of the system (contract: A10): Win10, Win11,
	// Win2K19, MacOSX, Ubuntu … ; default Win10.
	OS string

	IPs, MACs []string
	User      string // logonUserName

	Offline, Infected bool
	// Deleted marks a record that SEPM keeps of a client that is gone.
	Deleted bool

	// Engines are the states of the protection engines by key (apOnOff …);
	// an engine that is not named is 1, on. The values are A10's.
	Engines map[string]int
	// Integrity is the Host Integrity result that the quarantine… fields
	// report; the zero value is "check disabled", SEPM's common default.
	Integrity Integrity

	// The zero time is SEPM's 0: never.
	LastUpdate, LastScan, LastVirus time.Time

	// Files are what EOC scans and uploads find.
	Files []File
	// Outcome, if it has a state, is how this client ends its commands, and
	// EOCResult, if not whole, what it gives for an EOC scan: see [Options].
	Outcome   Outcome
	EOCResult EOCResult
}

// File is a file on a computer. A copy in the recycle bin is one more, with a
// path there.
type File struct {
	Path    string
	Content []byte
	// Stuck is a file that the client cannot remediate.
	Stuck bool
	// Remote is one that a QUICK_SCAN does not look at, since it lies elsewhere
	// than in the common places (contract: A14).
	Remote bool
}

// Group is a client group. Name is the whole path (contract: A10).
type Group struct {
	ID, Name    string
	Description string
	// Inherits means that its policies are its parent's, so it cannot be given
	// any of its own (contract: A11).
	Inherits bool
}

// Integrity is a Host Integrity result (contract: A10, quarantineStatus).
type Integrity int

// The Host Integrity results.
const (
	IntegrityDisabled Integrity = iota // status 3, code 105
	IntegrityPassed                    // status 1, code 0
	IntegrityFailed                    // status 0, code 101
	IntegrityPending                   // status 2, code 104
	IntegrityIgnored                   // status 4, code 105
	// Quarantined is a client in SEPM's network quarantine. How SEPM words it
	// is not known, only that the text holds "quarantined" (D6.9).
	Quarantined
)

// wire is the status, code and text of a result.
func (i Integrity) wire() (status, code int, text string) {
	switch i {
	case IntegrityPassed:
		return 1, 0, "Host Integrity check passed\n Requirement: \"Firewall is running\" passed"
	case IntegrityFailed:
		return 0, 101, "Host Integrity check failed.\n Requirement: \"Antivirus definitions are current\" failed"
	case IntegrityPending:
		return 2, 104, "Host Integrity check is not complete."
	case IntegrityIgnored:
		return 4, 105, "Host Integrity check is ignored."
	case Quarantined:
		return 0, 0, "Host Integrity check passed but the client was quarantined by the administrator."
	}
	return 3, 105, "Host Integrity check is disabled.\n Host Integrity policy has been disabled by the administrator."
}

// system is what SEPM says of an operating system.
type system struct {
	name, full string
	major      int
	minor      int
	function   string
	kernel     string
}

// systems are the values of the filter "os" (contract: A10). Those without
// words of their own are named as the filter names them.
var systems = map[string]system{
	"Win7":           {"Windows 7", "Windows 7 Professional Edition", 6, 1, "Workstation", ""},
	"Win81":          {"Windows 8.1", "Windows 8.1 Professional Edition", 6, 3, "Workstation", ""},
	"Win10":          {"Windows 10", "Windows 10 Enterprise Edition", 10, 0, "Workstation", ""},
	"Win11":          {"Windows 11", "Windows 11 Enterprise Edition", 10, 0, "Workstation", ""},
	"Win2K12":        {"Windows Server 2012", "Windows Server 2012 Standard Edition", 6, 2, "Server", ""},
	"Win2K16":        {"Windows Server 2016", "Windows Server 2016 Standard Edition", 10, 0, "Server", ""},
	"Win2K19":        {"Windows Server 2019", "Windows Server 2019 Standard Edition", 10, 0, "Server", ""},
	"Win2K22":        {"Windows Server 2022", "Windows Server 2022 Datacenter Edition", 10, 0, "Server", ""},
	"MacOSX":         {"Mac OS X", "macOS 14.5 (23F79)", 14, 5, "Workstation", "23.5.0"},
	"OSX":            {"Mac OS X", "Mac OS X 10.15.7", 10, 15, "Workstation", "19.6.0"},
	"Ubuntu":         {"Ubuntu", "Ubuntu 22.04", 22, 4, "Server", "5.15.0-113-generic"},
	"RedHat":         {"Red Hat Enterprise Linux", "Red Hat Enterprise Linux 8.9", 8, 9, "Server", "4.18.0-513.el8.x86_64"},
	"CentOs":         {"CentOS", "CentOS Linux 7.9", 7, 9, "Server", "3.10.0-1160.el7.x86_64"},
	"Debian":         {name: "Debian"},
	"Fedora":         {name: "Fedora"},
	"Oracle":         {name: "Oracle Linux"},
	"SUSE":           {name: "SUSE"},
	"Win2K":          {name: "Windows 2000"},
	"Win8":           {name: "Windows 8"},
	"WinEmb7":        {name: "Windows Embedded Standard 7"},
	"WinEmb8":        {name: "Windows Embedded 8"},
	"WinEmb81":       {name: "Windows Embedded 8.1"},
	"WinNT":          {name: "Windows NT"},
	"Win2K3":         {name: "Windows Server 2003"},
	"WinFundamental": {name: "Windows Fundamentals"},
	"Win2K8":         {name: "Windows Server 2008"},
	"Win2K8R2":       {name: "Windows Server 2008 R2"},
	"Win2K12R2":      {name: "Windows Server 2012 R2"},
	"WinVista":       {name: "Windows Vista"},
	"WinXP":          {name: "Windows XP"},
	"WinXPEmb":       {name: "Windows XP Embedded"},
	"WinXPProf64":    {name: "Windows XP Professional x64"},
}

// complete fills in what was left empty, so that every record can be listed.
func (c Computer) complete(first Domain) Computer {
	if c.Domain == (Domain{}) {
		c.Domain = first
	}
	if c.Group == (Group{}) {
		c.Group.Name = defaultGroup
	}
	if c.Group.ID == "" {
		c.Group.ID = groupID(c.Group.Name, c.Domain)
	}
	c.Group.ID = strings.ToUpper(c.Group.ID)
	if c.OS == "" {
		c.OS = "Win10"
	}
	if c.ID == "" {
		c.ID = hexID("computer", c.Name)
	}
	if c.HardwareKey == "" {
		c.HardwareKey = hexID("hardware", c.ID)
	}
	if c.User == "" {
		c.User = "user"
	}
	c.ID, c.HardwareKey = strings.ToUpper(c.ID), strings.ToUpper(c.HardwareKey)
	return c
}
