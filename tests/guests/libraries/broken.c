int nowhere(int);
int use(int n) { return nowhere(n); }
