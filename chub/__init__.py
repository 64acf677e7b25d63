"""Communications Hub Function: device log, joining, tunnels, mailboxes, and the way to the WAN."""
