/** <netinet/tcp.h>: the option that a guest may set. */
#ifndef FAASLET_NETINET_TCP_H
#define FAASLET_NETINET_TCP_H

#define TCP_NODELAY 1

#endif
