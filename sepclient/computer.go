package sepclient

import (
	"encoding/json"
	"time"
)

// Computer is an endpoint as SEPM knows it (A10). Times are in UTC, and zero
// where SEPM says never.
type Computer struct {
	// ID is SEPM's uniqueId, the id that commands take.
	ID string
	// HardwareKey is the id that moving a computer takes.
	HardwareKey string
	Name        string
	Description string
	Group       Group

	// OS is the full name, such as "Windows Server 2012 Standard Edition";
	// OSName is the short one.
	OS, OSName, OSVersion string
	// OSFunction is Unknown, Workstation, DomainController or Server.
	OSFunction string

	IPAddresses, MACAddresses []string
	// LogonUser and LogonDomain are who was logged on last.
	LogonUser, LogonDomain string
	AgentVersion           string
	// Definitions is the version of the virus definitions, such as 240820021.
	Definitions string

	// OnlineStatus is 0 offline, 1 online.
	OnlineStatus int
	// Infected, Deleted and RebootRequired are false where SEPM says nothing.
	Infected, Deleted, RebootRequired bool

	// QuarantineStatus is the Host Integrity status, in spite of its name:
	// 0 fail, 1 success, 2 pending, 3 disabled, 4 ignored, and -1 before 14.3.
	QuarantineStatus int
	// QuarantineCode is its reason: 0 pass, 101 antivirus out of date, 102
	// antivirus not running, 103 script failed, 104 check incomplete, 105 check
	// disabled, 127 location changed, and -1 before 14.3.
	QuarantineCode int
	// QuarantineDesc is the reason in words; it contains "quarantined" when an
	// administrator has put the computer into network quarantine.
	QuarantineDesc string

	Engines Engines

	LastUpdate time.Time // the last contact with SEPM
	LastScan   time.Time
	LastVirus  time.Time
	Created    time.Time

	// JSON is the computer as SEPM wrote it, where [ComputerQuery.Whole] asks
	// for it.
	JSON json.RawMessage

	// AsOf is when SEPM was asked for all this, by the client's clock.
	AsOf time.Time
}

// Online reports whether the computer was connected to SEPM.
func (c Computer) Online() bool { return c.OnlineStatus == 1 }

// Group is the client group of a computer.
type Group struct {
	ID string
	// Name is the full path, such as `My Company\Group1`.
	Name   string
	Domain Domain
}

// Domain is a SEPM domain. Name is empty where SEPM does not give it (A7).
type Domain struct{ ID, Name string }

// EngineState is the state of one protection engine.
type EngineState int

// The states of an engine.
const (
	EngineDisabled         EngineState = 0
	EngineOn               EngineState = 1
	EngineNotInstalled     EngineState = 2
	EngineDisabledByPolicy EngineState = 3
	EngineMalfunctioning   EngineState = 4
	EngineUnlicensed       EngineState = 5
	EngineNotReported      EngineState = 127
)

// Engines are the states of a computer's protection engines.
type Engines struct {
	AutoProtect      EngineState // apOnOff
	Antivirus        EngineState // avEngineOnOff
	BrowserFirefox   EngineState // cidsBrowserFfOnOff
	BrowserIE        EngineState // cidsBrowserIeOnOff
	IntrusionDriver  EngineState // cidsDrvOnOff
	DownloadInsight  EngineState // daOnOff
	EarlyLaunch      EngineState // elamOnOff
	Firewall         EngineState // firewallOnOff
	ExploitPrevent   EngineState // pepOnOff
	ProactiveThreat  EngineState // ptpOnOff
	TamperProtection EngineState // tamperOnOff
}

// computerDTO is a computer as SEPM writes it. Keys match in any case, which
// covers the second spellings of 14.2 (A10).
type computerDTO struct {
	UniqueID     text `json:"uniqueId"`
	HardwareKey  text `json:"hardwareKey"`
	ComputerName text `json:"computerName"`
	Description  text `json:"description"`
	Group        struct {
		ID       text `json:"id"`
		Name     text `json:"name"`
		FullPath text `json:"fullPathName"`
		Domain   struct {
			ID   text `json:"id"`
			Name text `json:"name"`
		} `json:"domain"`
	} `json:"group"`

	OperatingSystem text `json:"operatingSystem"`
	OSName          text `json:"osName"`
	OSVersion       text `json:"osVersion"`
	OSFunction      text `json:"osFunction"`

	IPAddresses   texts `json:"ipAddresses"`
	MACAddresses  texts `json:"macAddresses"`
	LogonUserName text  `json:"logonUserName"`
	LoginDomain   text  `json:"loginDomain"`
	AgentVersion  text  `json:"agentVersion"`
	AVDefset      text  `json:"avDefsetVersion"`

	OnlineStatus     number `json:"onlineStatus"`
	Infected         number `json:"infected"`
	Deleted          number `json:"deleted"`
	RebootRequired   number `json:"rebootRequired"`
	QuarantineStatus number `json:"quarantineStatus"`
	QuarantineCode   number `json:"quarantineCode"`
	QuarantineDesc   text   `json:"quarantineDesc"`

	AP        number `json:"apOnOff"`
	AV        number `json:"avEngineOnOff"`
	CIDSFF    number `json:"cidsBrowserFfOnOff"`
	CIDSIE    number `json:"cidsBrowserIeOnOff"`
	CIDSDrv   number `json:"cidsDrvOnOff"`
	DA        number `json:"daOnOff"`
	ELAM      number `json:"elamOnOff"`
	Firewall  number `json:"firewallOnOff"`
	PEP       number `json:"pepOnOff"`
	PTP       number `json:"ptpOnOff"`
	Tamper    number `json:"tamperOnOff"`
	Updated   number `json:"lastUpdateTime"`
	Scanned   number `json:"lastScanTime"`
	VirusTime number `json:"lastVirusTime"`
	Creation  number `json:"creationTime"`
}

func (d *computerDTO) computer() Computer {
	engine := func(n number) EngineState { return EngineState(n.or(int(EngineNotReported))) }
	return Computer{
		ID:          string(d.UniqueID),
		HardwareKey: string(d.HardwareKey),
		Name:        string(d.ComputerName),
		Description: string(d.Description),
		Group: Group{
			ID: string(d.Group.ID),
			// name holds the full path here, fullPathName is null (A10).
			Name:   firstOf(d.Group.FullPath, d.Group.Name),
			Domain: Domain{ID: string(d.Group.Domain.ID), Name: string(d.Group.Domain.Name)},
		},
		OS:               string(d.OperatingSystem),
		OSName:           string(d.OSName),
		OSVersion:        string(d.OSVersion),
		OSFunction:       string(d.OSFunction),
		IPAddresses:      d.IPAddresses,
		MACAddresses:     d.MACAddresses,
		LogonUser:        string(d.LogonUserName),
		LogonDomain:      string(d.LoginDomain),
		AgentVersion:     string(d.AgentVersion),
		Definitions:      string(d.AVDefset),
		OnlineStatus:     d.OnlineStatus.or(0),
		Infected:         d.Infected.is(1),
		Deleted:          d.Deleted.is(1),
		RebootRequired:   d.RebootRequired.is(1),
		QuarantineStatus: d.QuarantineStatus.or(-1),
		QuarantineCode:   d.QuarantineCode.or(-1),
		QuarantineDesc:   string(d.QuarantineDesc),
		Engines: Engines{
			AutoProtect: engine(d.AP), Antivirus: engine(d.AV), BrowserFirefox: engine(d.CIDSFF),
			BrowserIE: engine(d.CIDSIE), IntrusionDriver: engine(d.CIDSDrv), DownloadInsight: engine(d.DA),
			EarlyLaunch: engine(d.ELAM), Firewall: engine(d.Firewall), ExploitPrevent: engine(d.PEP),
			ProactiveThreat: engine(d.PTP), TamperProtection: engine(d.Tamper),
		},
		LastUpdate: d.Updated.time(),
		LastScan:   d.Scanned.time(),
		LastVirus:  d.VirusTime.time(),
		Created:    d.Creation.time(),
	}
}
