package sepclient

import (
	"context"
	"net/http"
)

// ExceptionsPolicy is a policy of what protection leaves alone, and of what it
// blocks (A17, D5). Its words are SEPM's, such as the action IGNORE or the
// path variable [NONE], and are not all known.
type ExceptionsPolicy struct {
	Policy
	Applications, DNSAndHostApplications []ApplicationRule
	// Denied and DNSAndHostDenied are applications to block.
	Denied, DNSAndHostDenied []ApplicationRule
	// NonPE are files that are no programs, for one application each.
	NonPE        []ApplicationRule
	Monitored    []NamedRule // applications, by file name
	WebDomains   []NamedRule
	KnownRisks   []KnownRiskRule
	Certificates []CertificateRule
	// Files, TamperFiles and Directories are places on disk.
	Files, TamperFiles, Directories []PathRule
	Extensions                      ExtensionRule
	MacFiles, LinuxDirectories      []PathRule
	LinuxExtensions                 ExtensionRule
}

// RuleState is what all rules of a policy have.
type RuleState struct {
	Enabled bool
	// Source is where the rule comes from, such as PRIMARY.
	Source string
}

// FileDescription describes a file by what is known of it.
type FileDescription struct {
	Name, Directory, Company, Description string
	// SHA2 is a SHA-256, or what else the console took; MD5 is one.
	SHA2, MD5 string
	Size      int64
}

// ApplicationRule is a rule for an application.
type ApplicationRule struct {
	RuleState
	Action string
	File   FileDescription
	// Actor is the application that opens the file; empty but for NonPE.
	Actor FileDescription
}

// NamedRule is a rule for what is told by its name alone.
type NamedRule struct {
	RuleState
	Name string
}

// KnownRiskRule is a rule for a risk that SEPM knows.
type KnownRiskRule struct {
	RuleState
	Action, ThreatID, ThreatName string
}

// CertificateRule is a rule for what a certificate has signed.
type CertificateRule struct {
	RuleState
	Company, Issuer string
	Fingerprints    []SignatureFingerprint
}

// SignatureFingerprint is that of a certificate; the algorithm is SHA1 or SHA2.
type SignatureFingerprint struct{ Algorithm, Value string }

// PathRule is a rule for a file or a directory.
type PathRule struct {
	RuleState
	// Path goes on from Variable, such as PROGRAM_FILES or NONE.
	Path, Variable string
	Recursive      bool
	// ScanCategory and ScanType say which scans leave it alone.
	ScanCategory, ScanType string
	// SONAR, ApplicationControl and SecurityRisk are which engines do.
	SONAR, ApplicationControl, SecurityRisk bool
}

// ExtensionRule is a rule for file name extensions.
type ExtensionRule struct {
	RuleState
	Extensions   []string
	ScanCategory string
}

// ExceptionsPolicy reads an exceptions policy, through v1 of the API, or
// through v2 where v1 refuses it.
func (c *Client) ExceptionsPolicy(ctx context.Context, id string) (ExceptionsPolicy, error) {
	r := request{op: "read exceptions policy", subject: id, method: http.MethodGet, path: "/policies/exceptions/" + segment(id), read: true}
	p, t, err := c.policy(ctx, r)
	if refusedByV1(err) {
		r.v2 = true
		var other error
		if p, t, other = c.policy(ctx, r); other == nil || saysV2(err) {
			err = other
		}
	}
	if err != nil {
		return ExceptionsPolicy{}, err
	}
	mac, linux := t.object("mac"), t.object("linux")
	return ExceptionsPolicy{
		Policy:                 p,
		Applications:           each(t, "applications", applicationRule),
		DNSAndHostApplications: each(t, "dns_and_host_applications", applicationRule),
		// v2 has another word for it.
		Denied:           append(each(t, "blacklistrules", applicationRule), each(t, "denylistrules", applicationRule)...),
		DNSAndHostDenied: append(each(t, "dns_and_host_blacklistrules", applicationRule), each(t, "dns_and_host_denylistrules", applicationRule)...),
		NonPE:            each(t, "non_pe_rules", applicationRule),
		Monitored:        each(t, "applications_to_monitor", namedRule("name")),
		WebDomains:       each(t, "webdomains", namedRule("domain")),
		KnownRisks: each(t, "knownrisks", func(t tree) KnownRiskRule {
			threat := t.object("threat")
			return KnownRiskRule{ruleState(t), t.text("action"), threat.text("id"), threat.text("name")}
		}),
		Certificates:     each(t, "certificates", certificateRule),
		Files:            each(t, "files", pathRule("path")),
		TamperFiles:      each(t, "tamper_files", pathRule("path")),
		Directories:      each(t, "directories", pathRule("directory")),
		Extensions:       extensionRule(t),
		MacFiles:         each(mac, "files", pathRule("path")),
		LinuxDirectories: each(linux, "directories", pathRule("directory")),
		LinuxExtensions:  extensionRule(linux),
	}, nil
}

func ruleState(rule tree) RuleState {
	state := rule.object("rulestate")
	return RuleState{Enabled: state.is("enabled"), Source: state.text("source")}
}

func fileDescription(t tree) FileDescription {
	return FileDescription{
		Name: t.text("name"), Directory: t.text("directory"), Company: t.text("company"), Description: t.text("description"),
		SHA2: t.text("sha2"), MD5: t.text("md5"), Size: t.number("size").value,
	}
}

func applicationRule(t tree) ApplicationRule {
	file := t.object("processfile")
	if file == nil {
		file = t.object("file")
	}
	return ApplicationRule{ruleState(t), t.text("action"), fileDescription(file), fileDescription(t.object("actor"))}
}

func namedRule(key string) func(tree) NamedRule {
	return func(t tree) NamedRule { return NamedRule{ruleState(t), t.text(key)} }
}

func certificateRule(t tree) CertificateRule {
	fingerprint := func(t tree) SignatureFingerprint { return SignatureFingerprint{t.text("algorithm"), t.text("value")} }
	r := CertificateRule{
		RuleState: ruleState(t), Company: t.text("signature_company_name"), Issuer: t.text("signature_issuer"),
		Fingerprints: each(t, "signature_fingerprints", fingerprint),
	}
	if one := fingerprint(t.object("signature_fingerprint")); one.Value != "" && len(r.Fingerprints) == 0 {
		r.Fingerprints = []SignatureFingerprint{one}
	}
	return r
}

func pathRule(key string) func(tree) PathRule {
	return func(t tree) PathRule {
		return PathRule{
			RuleState: ruleState(t), Path: t.text(key), Variable: t.text("pathvariable"), Recursive: t.is("recursive"),
			ScanCategory: t.text("scancategory"), ScanType: t.text("scantype"),
			SONAR: t.is("sonar"), ApplicationControl: t.is("applicationcontrol"), SecurityRisk: t.is("securityrisk"),
		}
	}
}

func extensionRule(t tree) ExtensionRule {
	t = t.object("extension_list")
	return ExtensionRule{ruleState(t), t.texts("extensions"), t.text("scancategory")}
}
