package indicator

import (
	"net/netip"
	"strings"
)

// What stands in this file is never an indicator, whoever wrote it. What one
// installation does not want to see (its SEPM, its mail addresses, its own
// networks) is for the whitelist of the configuration.

// suppressedHost: SEPM's own notices link to the vendor's help (contract: SEPM
// e-mail §1.4, §5.2), localhost is whoever reads the name, and the signatures
// of attacks name platforms that are written as hosts are.
func suppressedHost(name string) bool {
	switch name {
	case "asp.net", "ado.net", "vb.net":
		return true
	}
	for _, domain := range [...]string{"broadcom.com", "symantec.com", "localhost"} {
		if before, ok := strings.CutSuffix(name, domain); ok && (before == "" || strings.HasSuffix(before, ".")) {
			return true
		}
	}
	return false
}

// suppressedAddress: addresses that name no other host, and those that are a
// netmask or a version rather than an address.
func suppressedAddress(addr netip.Addr) bool {
	if addr.Is4() {
		first := addr.As4()[0]
		return first == 0 || first == 255 || addr.IsLoopback()
	}
	return addr.IsUnspecified() || addr.IsLoopback()
}

// suppressedHash: one digit over and over is a placeholder, and as many
// decimal digits as a hash has are a number.
func suppressedHash(digits string) bool {
	return strings.Trim(digits, digits[:1]) == "" || consistsOf(digits, isDigit)
}
