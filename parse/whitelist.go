package parse

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/yl2chen/cidranger"

	"github.com/sepwatch/sepwatch/incident"
)

// Whitelist holds the addresses and hosts that are never made artifacts,
// such as SEPM's own (guide §2). A nil Whitelist holds nothing.
type Whitelist struct {
	networks cidranger.Ranger
	hosts    map[string]bool // exact names, lower case
	domains  map[string]bool // names that cover their subdomains, lower case
}

// NewWhitelist builds a whitelist. A network is a CIDR or a single address.
// A domain "x.com" or "*.x.com" means x.com and everything under it; a name
// without a dot, such as SEPM-SERVER, means that host only. Case does not
// matter. The error names every entry that is neither.
func NewWhitelist(cidrs, domains []string) (*Whitelist, error) {
	w := &Whitelist{
		networks: cidranger.NewPCTrieRanger(),
		hosts:    map[string]bool{},
		domains:  map[string]bool{},
	}
	var errs []error
	for _, entry := range cidrs {
		if err := w.addNetwork(entry); err != nil {
			errs = append(errs, fmt.Errorf("whitelist network %q: %w", entry, err))
		}
	}
	for _, entry := range domains {
		if err := w.addDomain(entry); err != nil {
			errs = append(errs, fmt.Errorf("whitelist domain %q: %w", entry, err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return w, nil
}

func (w *Whitelist) addNetwork(entry string) error {
	prefix, err := parseNetwork(strings.TrimSpace(entry))
	if err != nil {
		return err
	}
	return w.networks.Insert(cidranger.NewBasicRangerEntry(net.IPNet{
		IP:   prefix.Addr().AsSlice(),
		Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
	}))
}

func parseNetwork(s string) (netip.Prefix, error) {
	var prefix netip.Prefix
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	} else if prefix, err = netip.ParsePrefix(s); err != nil {
		return prefix, errors.New("write an address or a network, such as 192.168.194.93 or 192.168.194.0/24")
	}
	// The set keeps IPv4 and IPv6 apart and knows no mapped addresses.
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return prefix, errors.New("holds more than the IPv4-mapped addresses: write the IPv4 network itself")
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

func (w *Whitelist) addDomain(entry string) error {
	name := foldHost(strings.TrimSpace(entry))
	bare, wild := strings.CutPrefix(name, "*.")
	switch _, err := netip.ParseAddr(bare); {
	case err == nil:
		return errors.New("is an address: put it under networks")
	case bare == "" || strings.HasPrefix(bare, ".") || strings.Contains(bare, "..") || strings.ContainsAny(bare, "* \t:/\\@,"):
		return errors.New("write a name, such as example.com, *.example.com or SEPM-SERVER")
	case wild || strings.Contains(bare, "."):
		w.domains[bare] = true
	default:
		w.hosts[bare] = true
	}
	return nil
}

// Covers reports whether an artifact of this type and value is whitelisted:
// an IP Address, System Name or DNS Name by itself, a URL by its host.
// Values of other types never are.
func (w *Whitelist) Covers(kind incident.ArtifactType, value string) bool {
	if w == nil {
		return false
	}
	switch kind {
	case incident.IPAddress, incident.SystemName, incident.DNSName:
		return w.coversHost(value)
	case incident.URL:
		u, err := url.Parse(value)
		return err == nil && u.Hostname() != "" && w.coversHost(u.Hostname())
	}
	return false
}

func (w *Whitelist) coversHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		found, err := w.networks.Contains(addr.Unmap().WithZone("").AsSlice())
		return err == nil && found
	}
	name := foldHost(host)
	if w.hosts[name] {
		return true
	}
	for {
		if w.domains[name] {
			return true
		}
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return false
		}
		name = parent
	}
}

// foldHost brings a name to the form in which names are compared: lower
// case, without the dot of the root.
func foldHost(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
